from pathlib import Path

import pytest

from infra.engine_options import Device
from infra.gpu import gpu_present, runs_on_gpu


@pytest.mark.parametrize(
    ("devices", "present"),
    [
        ([], False),
        (["null", "nvidiactl", "nvidia-uvm", "nvidia-modeset"], False),
        (["nvidiactl", "nvidia0"], True),
        (["nvidia3"], True),
    ],
)
def test_a_gpu_is_there_when_the_driver_shows_one(tmp_path: Path, devices: list[str], present: bool) -> None:
    for name in devices:
        (tmp_path / name).touch()
    assert gpu_present(tmp_path) is present


def test_a_folder_that_is_not_there_holds_no_gpu(tmp_path: Path) -> None:
    assert not gpu_present(tmp_path / "dev")


@pytest.mark.parametrize(
    ("device", "present", "runs"),
    [("auto", True, True), ("auto", False, False), ("cpu", True, False), ("cuda", False, True)],
)
def test_a_model_runs_on_a_gpu_that_is_there_unless_another_device_is_chosen(
    tmp_path: Path, device: Device, present: bool, runs: bool
) -> None:
    if present:
        (tmp_path / "nvidia0").touch()
    assert runs_on_gpu(device, tmp_path) is runs
