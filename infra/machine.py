"""What this machine has for a process that computes on its CPU."""

import ctypes
import os
import time
from pathlib import Path

M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
"""Names of mallopt's parameters in glibc's malloc.h."""

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
STAT = Path("/proc/self/stat")
UPTIME = Path("/proc/uptime")

_IMPORTED_S = time.monotonic()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_bytes(meminfo: Path = MEMINFO, cgroup: Path = CGROUP) -> int:
    """Memory that is free now, on the machine and within the container's bound; 4 GiB where nothing tells."""
    found = []
    if meminfo.is_file():
        lines = dict(line.split(":", 1) for line in meminfo.read_text().splitlines() if ":" in line)
        if "MemAvailable" in lines:
            found.append(int(lines["MemAvailable"].split()[0]) << 10)
    bound, used = (cgroup / name for name in ("memory.max", "memory.current"))
    if bound.is_file() and used.is_file() and (most := bound.read_text().strip()) != "max":
        found.append(max(0, int(most) - int(used.read_text())))
    return min(found, default=4 << 30)


def process_age_s(stat: Path = STAT, uptime: Path = UPTIME) -> float:
    """Seconds since this process started; since this module was read where the kernel doesn't tell.

    The kernel counts in ticks of 10 ms since the machine started. Field 22 of stat holds the start (proc(5));
    the name in field 2 may hold anything, so fields are counted from the last bracket.
    """
    try:
        fields = stat.read_text().rpartition(")")[2].split()
        started_s = int(fields[22 - 3]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, float(uptime.read_text().split()[0]) - started_s)
    except (OSError, ValueError, IndexError):
        return time.monotonic() - _IMPORTED_S


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed, instead of giving it back to the kernel; False without glibc.

    Torch has no cache for a CPU's memory. Each tensor over 32 MB at most is mapped anew, and the kernel
    clears and maps it page by page: 40 to 50 % of the time of a small model. Memory that is kept is used
    again by the next batch of the same size; the process's peak does not change.

    Call it first of all in a process: threads that started earlier have heaps of their own, of 64 MB at most,
    and larger tensors are still mapped.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, 1 << 30), (M_TRIM_THRESHOLD, (1 << 31) - 1))
    return all(mallopt(name, value) == 1 for name, value in wanted)
