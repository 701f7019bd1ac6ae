"""Windows of int16, padded to one array and brought to the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.ports import SAMPLE_RATE_HZ

Windows = Sequence[NDArray[np.int16]]


@dataclass(frozen=True, slots=True, eq=False)
class Staged:
    """A padded batch on the device, or on its way there.

    Args:
        audio: int16 tensor [B, S].
        lengths: int64 tensor [B], in samples.
        arrived: a CUDA event that the device passes once the copy is there; None where nothing is copied.
        source: what is being copied, kept alive until then.
    """

    audio: Any
    lengths: Any
    arrived: Any = None
    source: Any = None


class Staging(Protocol):
    """Brings windows to a device."""

    def stage(self, windows: Windows) -> Staged:
        """Pad and copy. Raises torch's errors."""
        ...


STEP = 4 * SAMPLE_RATE_HZ
"""To which windows are padded on a CPU: in steps of 1 s a file of 6 h took 180 MB more and was no faster."""


class CpuStaging:
    """The model runs where the windows are: they are padded to the longest of them, in steps of 4 s.

    oneDNN keeps the kernels and the work spaces of each shape that it meets. With lengths to the sample no
    two batches are alike, and memory grows by 8 MB with each.
    """

    def stage(self, windows: Windows) -> Staged:
        """Pad, without waiting for anything."""
        import torch

        steps = -(-max(map(len, windows)) // STEP)
        audio = np.zeros((len(windows), steps * STEP), np.int16)
        _fill(audio, windows)
        return Staged(torch.from_numpy(audio), torch.tensor([len(window) for window in windows]))


class CudaStaging:
    """Copies from pinned memory on a stream of its own, while the device still hears the batch before.

    Windows are padded to a fixed size, so that kernels, graphs and compiled code meet few shapes.
    """

    def __init__(self, sizes_s: Sequence[float]) -> None:
        import torch

        self._sizes = tuple(round(size_s * SAMPLE_RATE_HZ) for size_s in sizes_s)
        self._stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]

    def stage(self, windows: Windows) -> Staged:
        """Pad and start the copy; whoever uses it waits for `arrived` on the device."""
        import torch

        shape = (len(windows), padded_to(max(map(len, windows)), self._sizes))
        audio = torch.zeros(shape, dtype=torch.int16, pin_memory=True)
        _fill(audio.numpy(), windows)
        lengths = torch.tensor([len(window) for window in windows], pin_memory=True)
        with torch.cuda.stream(self._stream):
            there = audio.to("cuda", non_blocking=True), lengths.to("cuda", non_blocking=True)
            arrived: Any = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrived.record(self._stream)
        return Staged(*there, arrived, (audio, lengths))


def padded_to(samples: int, sizes: Sequence[int]) -> int:
    """The smallest size that holds so many samples; their own number where none does."""
    return next((size for size in sizes if size >= samples), samples)


def _fill(audio: NDArray[np.int16], windows: Windows) -> None:
    for row, window in zip(audio, windows, strict=True):
        row[: len(window)] = window
