"""Whether this machine has a GPU, and what a model runs on, without loading anything that uses one."""

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra.engine_options import Device
from infra.machine import cores

DEVICES = Path("/dev")
CPU_INFO = Path("/proc/cpuinfo")
ASK_THE_DRIVER = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
PATIENCE_S = 10.0


def gpu_present(devices: Path = DEVICES) -> bool:
    """Whether NVIDIA's driver shows a device: any, since a container may not be given number 0."""
    return any(devices.glob("nvidia[0-9]*"))


def runs_on_gpu(device: Device, devices: Path = DEVICES) -> bool:
    """Whether a model for which this device was chosen will run on a GPU."""
    return device == "cuda" or (device == "auto" and gpu_present(devices))


def device_name(*, on_gpu: bool) -> str:
    """What a model runs on, such as `NVIDIA L4` or `Intel Xeon 2.20GHz, 4 cores`: speeds are learnt by it."""
    return gpu_name() if on_gpu else f"{cpu_name()}, {cores()} cores"


def gpu_name(ask: Sequence[str] = ASK_THE_DRIVER) -> str:
    """The first GPU's name; cuda where the driver's tool is absent or does not tell."""
    try:
        said = subprocess.run(ask, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return "cuda"
    names = said.stdout.strip().splitlines() if said.returncode == 0 else []
    return names[0].strip() if names else "cuda"


def cpu_name(cpu_info: Path = CPU_INFO) -> str:
    """The processor's name; its architecture where the kernel does not tell."""
    try:
        lines = cpu_info.read_text().splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.machine() or "cpu"
