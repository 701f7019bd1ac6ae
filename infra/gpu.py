"""Whether this machine has a GPU, without loading anything that uses one."""

from pathlib import Path

DEVICE = Path("/dev/nvidia0")


def gpu_present(device: Path = DEVICE) -> bool:
    """Whether NVIDIA's driver shows a device."""
    return device.exists()
