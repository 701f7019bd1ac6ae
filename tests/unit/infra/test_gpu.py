from pathlib import Path

import pytest

from infra.gpu import gpu_present


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
