import subprocess
import sys
from pathlib import Path

from infra.machine import available_bytes, cores, keep_freed_memory

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
