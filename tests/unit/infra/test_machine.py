import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.machine import available_bytes, cores, keep_freed_memory, process_age_s

TOUCH = """
import resource, sys, threading
from infra.machine import keep_freed_memory
if sys.argv[1] == "kept" and not keep_freed_memory():
    sys.exit("unsupported")
import numpy as np
def touch():
    for _ in range(3):
        np.ones(8 << 20)
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(10):
        np.ones(8 << 20)
    print(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)
thread = threading.Thread(target=touch)
thread.start()
thread.join()
"""


def test_free_memory_is_the_least_of_machine_and_container(tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 100 kB\nMemAvailable:   80 kB\n")
    assert available_bytes(meminfo, tmp_path) == 80 << 10
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1024\n")
    assert available_bytes(meminfo, tmp_path) == 80 << 10
    (tmp_path / "memory.max").write_text("11264\n")
    assert available_bytes(meminfo, tmp_path) == 10 << 10
    assert available_bytes(tmp_path / "none", tmp_path / "none") == 4 << 30


def test_there_is_at_least_one_core() -> None:
    assert cores() >= 1


def test_kept_memory_is_not_mapped_anew_in_a_thread() -> None:
    faults = {}
    for how in ("kept", "given back"):
        ran = subprocess.run([sys.executable, "-c", TOUCH, how], check=True, capture_output=True, text=True)
        faults[how] = int(ran.stdout)
    assert keep_freed_memory.__doc__
    assert faults["kept"] < faults["given back"] / 10


def stat_line(started_ticks: int, name: str = "python") -> str:
    """proc(5)'s 22nd field, behind a name that may hold brackets and spaces."""
    return f"7 ({name}) S " + " ".join(["0"] * 18) + f" {started_ticks} 0 0\n"


@pytest.mark.parametrize("name", ["python", "a (b) c", ") S 0"])
def test_a_process_is_as_old_as_the_kernel_says(tmp_path: Path, name: str) -> None:
    stat, uptime = tmp_path / "stat", tmp_path / "uptime"
    stat.write_text(stat_line(100 * os.sysconf("SC_CLK_TCK"), name))
    uptime.write_text("142.50 12.00\n")
    assert process_age_s(stat, uptime) == 42.5


def test_our_own_age_grows_and_is_below_that_of_the_machine() -> None:
    age_s = process_age_s()
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < age_s <= uptime_s
    assert process_age_s() >= age_s


@pytest.mark.parametrize("text", ["", "7 (python) S 1 2", "nonsense"])
def test_where_the_kernel_does_not_tell_a_process_is_as_old_as_our_code_in_it(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "stat").write_text(text)
    (tmp_path / "uptime").write_text("142.50 12.00")
    assert 0 < process_age_s(tmp_path / "stat", tmp_path / "uptime") < process_age_s() + 60
    assert 0 < process_age_s(tmp_path / "absent", tmp_path / "uptime") < process_age_s() + 60
