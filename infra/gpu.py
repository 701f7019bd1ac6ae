"""Whether this machine has a GPU, without loading anything that uses one."""

from pathlib import Path

DEVICES = Path("/dev")


def gpu_present(devices: Path = DEVICES) -> bool:
    """Whether NVIDIA's driver shows a device: any, since a container may not be given number 0."""
    return any(devices.glob("nvidia[0-9]*"))
