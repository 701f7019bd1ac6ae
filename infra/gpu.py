"""Whether this machine has a GPU, without loading anything that uses one."""

from pathlib import Path

from infra.engine_options import Device

DEVICES = Path("/dev")


def gpu_present(devices: Path = DEVICES) -> bool:
    """Whether NVIDIA's driver shows a device: any, since a container may not be given number 0."""
    return any(devices.glob("nvidia[0-9]*"))


def runs_on_gpu(device: Device, devices: Path = DEVICES) -> bool:
    """Whether a model for which this device was chosen will run on a GPU."""
    return device == "cuda" or (device == "auto" and gpu_present(devices))
