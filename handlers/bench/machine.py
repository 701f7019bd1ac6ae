"""What the figures were taken on."""

import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "nemo_toolkit", "av", "numpy")


def about(command: str, threads: int) -> dict[str, Any]:
    """Machine, versions, date and the command. Imports no heavy package."""
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": f"{cpu_name()}, {threads} cores, and as many threads on each side",
        "memory": f"{memory_bytes() / 2**30:.0f} GiB",
        "python": platform.python_version(),
        "versions": {name: version_of(name) for name in PACKAGES},
    }


def cpu_name() -> str:
    """As the kernel calls it."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def memory_bytes() -> int:
    """Of the whole machine."""
    return _kilobytes("/proc/meminfo", "MemTotal") * 1024


def peak_bytes() -> int:
    """The most memory that this process held so far: interpreter, torch, NeMo, the model, all buffers.

    Pages of mapped files count too, such as weights. From VmHWM: unlike ru_maxrss it does not begin with the
    memory of the process that started this one.
    """
    return _kilobytes("/proc/self/status", "VmHWM") * 1024


def now_bytes() -> int:
    """The memory that this process holds now."""
    return _kilobytes("/proc/self/status", "VmRSS") * 1024


def version_of(package: str) -> str:
    """Of an installed package."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _kilobytes(path: str, name: str) -> int:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
