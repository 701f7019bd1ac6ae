"""What this machine has for a process that computes on its CPU."""

import ctypes
import os
from pathlib import Path

M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
"""Names of mallopt's parameters in glibc's malloc.h."""

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")


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
