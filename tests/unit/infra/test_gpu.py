import sys
from pathlib import Path

import pytest

from infra.engine_options import Device
from infra.gpu import cpu_name, device_name, gpu_name, gpu_present, runs_on_gpu


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


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


@pytest.mark.parametrize(
    ("says", "name"),
    [
        ("print('NVIDIA L4')", "NVIDIA L4"),
        ("print('NVIDIA L4\\nNVIDIA T4')", "NVIDIA L4"),
        ("print()", "cuda"),
        ("print('no devices were found'); raise SystemExit(6)", "cuda"),
    ],
)
def test_a_gpu_is_called_what_its_driver_calls_it(says: str, name: str) -> None:
    assert gpu_name(script(says)) == name


def test_a_gpu_without_its_drivers_tool_is_called_cuda(tmp_path: Path) -> None:
    assert gpu_name([str(tmp_path / "nvidia-smi")]) == "cuda"


def test_a_cpu_is_called_what_the_kernel_calls_it(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("processor : 0\nmodel name\t: Intel Xeon: 2.20GHz\nmodel name\t: other\n")
    assert cpu_name(info) == "Intel Xeon: 2.20GHz"
    info.write_text("")
    assert cpu_name(info) == cpu_name(tmp_path / "none") != ""


def test_a_cpu_is_another_device_with_other_cores() -> None:
    assert device_name(on_gpu=False).endswith(" cores")
