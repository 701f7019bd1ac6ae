"""The table of torch's errors. Those of CUDA are known by their texts, so that no device is needed."""

import weakref

import pytest

from core.errors import EngineFailed, EngineLost
from infra.torch_errors import mapped, torch_errors

pytestmark = pytest.mark.asr


HINTS = (
    "CUDA kernel errors might be asynchronously reported at some other API call.\n"
    "For debugging consider passing CUDA_LAUNCH_BLOCKING=1\n"
    "Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions."
)
"""What torch adds to every CUDA error."""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 GiB", "engine_out_of_memory"),
        ("CUDA error: out of memory", "engine_out_of_memory"),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublas", "engine_out_of_memory"),
        ("[enforce fail] err == 0. DefaultCPUAllocator: can't allocate memory", "engine_out_of_memory"),
        ("CUDA error: an illegal memory access was encountered", "engine_lost"),
        ("CUDA error: unspecified launch failure", "engine_lost"),
        ("CUDA error: device-side assert triggered", "engine_lost"),
        ("CUDA error: uncorrectable ECC error encountered", "engine_lost"),
        ("CUDA failure! cudaError_t.cudaErrorIllegalAddress", "engine_lost"),
        ("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`", "engine_lost"),
        ("CUDA error: unknown error", "engine_lost"),
        ("cuFFT error: CUFFT_ALLOC_FAILED", "engine_out_of_memory"),
        ("CUDA error: invalid configuration argument", "engine_failed"),
        ("CUDA error: operation not permitted when stream is capturing", "engine_failed"),
        ("The size of tensor a (3) must match the size of tensor b (4)", "engine_failed"),
    ],
)
def test_an_error_is_known_by_its_text(text: str, code: str) -> None:
    failure = mapped(RuntimeError(f"{text}\n{HINTS}"))
    assert failure.code == code
    assert isinstance(failure, EngineLost) == (code == "engine_lost")
    assert "debugging" not in str(failure)


def test_torchs_own_classes_are_caught() -> None:
    import torch

    for error, code in (
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), "engine_out_of_memory"),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), "engine_lost"),
        (MemoryError(), "engine_out_of_memory"),
    ):
        with pytest.raises(EngineFailed) as caught, torch_errors():
            raise error
        assert caught.value.code == code


def test_a_tensor_that_no_machine_can_hold_is_out_of_memory() -> None:
    import torch

    with pytest.raises(EngineFailed) as caught, torch_errors():
        torch.empty(1 << 50)
    assert caught.value.code == "engine_out_of_memory"


def test_after_an_out_of_memory_nothing_holds_the_tensors_of_the_failed_call() -> None:
    import torch

    alive: list[weakref.ref[torch.Tensor]] = []

    def allocate() -> None:
        tensor = torch.zeros(8)
        alive.append(weakref.ref(tensor))
        raise MemoryError

    with pytest.raises(EngineFailed) as caught, torch_errors():
        allocate()
    assert caught.value.__cause__ is not None
    assert alive[0]() is None


def test_other_errors_pass_as_they_are() -> None:
    with pytest.raises(KeyError), torch_errors():
        raise KeyError("a mistake of ours")
