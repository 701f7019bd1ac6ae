"""Cuts a stream of samples into overlapping windows, so that every word lies whole in one of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ports import SAMPLE_RATE_HZ

FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How long windows are, and how much neighbours share.

    Raises:
        ValueError: lengths that can't work, with their names and values.
    """

    length_s: float
    overlap_s: float

    def __post_init__(self) -> None:
        if not 1.0 <= self.length_s <= 1800.0:
            raise ValueError(f"length_s is {self.length_s:g}, expected 1 to 1800")
        if not 0 <= self.overlap_s <= self.length_s / 2:
            raise ValueError(
                f"overlap_s is {self.overlap_s:g} with length_s {self.length_s:g}, "
                f"expected 0 to half the length, {self.length_s / 2:g}"
            )

    @property
    def length(self) -> int:
        """Samples in a window."""
        return round(self.length_s * SAMPLE_RATE_HZ)

    @property
    def step(self) -> int:
        """Samples from the start of a window to the start of the next."""
        return self.length - round(self.overlap_s * SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A stretch of the audio.

    Args:
        index: 0 for the first window of a file.
        start: the sample of the file at which it begins.
        samples: float32 in [-1, 1], 16 kHz, shape [length].
    """

    index: int
    start: int
    samples: NDArray[np.float32]

    @property
    def start_s(self) -> float:
        """Start, in seconds from the start of the audio."""
        return self.start / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """End, in seconds from the start of the audio."""
        return (self.start + len(self.samples)) / SAMPLE_RATE_HZ


def cut(blocks: Iterable[NDArray[np.int16]], spec: WindowSpec) -> Iterator[Window]:
    """Cut a stream into windows that start every `spec.step` samples.

    The last window ends with the audio and is as long as the others: it starts earlier rather than being
    short, because a model hears a word worse without context, and a batch of one length wastes nothing.
    Only audio shorter than a window gives a shorter one; no audio gives none.

    Shapes: blocks of int16 [any length]. Holds at most two windows of int16 and a block.
    """
    parts: list[NDArray[np.int16]] = []
    end = due = index = 0
    for block in blocks:
        parts.append(block)
        end += len(block)
        if end <= due + spec.length:
            continue  # more than a window is needed to know that this one is not the last
        held = np.concatenate(parts)
        start = end - len(held)
        while end > due + spec.length:
            yield _window(index, due, held[due - start :][: spec.length])
            index, due = index + 1, due + spec.step
        parts = [held[-spec.length :].copy()]
    if end:
        held = np.concatenate(parts)[-spec.length :]
        yield _window(index, end - len(held), held)


def _window(index: int, start: int, samples: NDArray[np.int16]) -> Window:
    return Window(index, start, samples.astype(np.float32) / np.float32(FULL_SCALE))
