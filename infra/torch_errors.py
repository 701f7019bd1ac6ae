"""What torch raises, as errors of ours."""

import gc
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import EngineFailed, EngineLost

OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DEVICE_ALLOCATION_FAILED",
    "CUFFT_ALLOC_FAILED",
    "CUBLAS_STATUS_NOT_INITIALIZED",
)
"""Also of errors that are no torch.cuda.OutOfMemoryError: a library's work space, a graph, the CPU."""

LOST = (
    "illegal memory access",
    "illegal instruction",
    "illegal address",
    "illegaladdress",
    "misaligned address",
    "invalid address space",
    "invalid program counter",
    "hardware stack error",
    "launch failure",
    "launchfailure",
    "launch timed out",
    "device-side assert",
    "ECC error",
    "eccuncorrectable",
    "device is lost",
    "devicelost",
    "device unavailable",
    "GPU is lost",
    "fallen off the bus",
    "NVLink error",
    "CUDA-capable device(s) is/are busy or unavailable",
    "driver shutting down",
    "CUDA error: unknown error",
    "external device",
    "context is destroyed",
    "CUBLAS_STATUS_EXECUTION_FAILED",
    "CUBLAS_STATUS_INTERNAL_ERROR",
    "CUDNN_STATUS_EXECUTION_FAILED",
)
"""Parts of the texts of CUDA errors that stay: each later call of the process gives the same one.

From the descriptions in CUDA's list of cudaError_t of those that leave the process in an inconsistent state.
"""

SHOWN = 200
"""Characters of a vendor's message that are worth keeping; what follows are hints on debugging."""


@contextmanager
def torch_errors() -> Iterator[None]:
    """Map torch's errors to ours by one table; the first line that fits counts.

    After an out-of-memory the tensors of the failed call are let go and the allocator's cache is emptied, so
    that a smaller batch may fit: call what allocates in a function of its own inside the block.

    Raises:
        EngineLost: the device will not answer again in this process.
        EngineFailed: engine_out_of_memory or engine_failed.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        failure = mapped(error)
        if failure.code == "engine_out_of_memory":
            traceback.clear_frames(error.__traceback__)
            _empty_cache()
        raise failure from error


def mapped(error: BaseException) -> EngineFailed:
    """The error of ours that stands for one of torch's."""
    # The first line alone: torch adds hints to each CUDA error, and those speak of device-side assertions.
    text = str(error).partition("\n")[0]
    reason = f"torch raised {type(error).__name__}: {text[:SHOWN]}"
    text = text.lower()
    if isinstance(error, MemoryError) or any(part.lower() in text for part in OUT_OF_MEMORY):
        return EngineFailed(reason, code="engine_out_of_memory")
    if any(part.lower() in text for part in LOST):
        return EngineLost(reason)
    return EngineFailed(reason)


def _empty_cache() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
