"""Cuts a stream of samples into overlapping windows at quiet places, so that few words lie on a cut.

The audio is divided at cuts. What lies between two of them is a window's core; every sample is in one core.
A window adds some context on both sides of its core, so that a word on a cut lies whole in both windows.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.levels import FRAME, FULL_SCALE, frame_powers
from core.ports import SAMPLE_RATE_HZ, Block

SMOOTH_FRAMES = 13
"""0.26 s: longer than the stop in a consonant, shorter than most pauses between sentences."""

ALIKE = 10 ** (2.5 / 10)
"""Places within 2.5 dB of the quietest are as good: the level of even noise varies as much."""

SILENCE = FULL_SCALE**2 * 10 ** (-60 / 10)
"""Below -60 dBFS nothing is heard, whatever is below that by more."""

Span = tuple[int, int]
"""Start and end in samples of the file."""


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How long windows are, and how much neighbours share.

    Args:
        length_s: the most that a window may last, with its context.
        overlap_s: what two neighbours share: half of it lies on each side of the cut.
        search_s: how far before the last possible place the quietest one is looked for. At most a quarter of
            the length is used, since a window far from full wastes its context and its place in a batch.

    Raises:
        ValueError: lengths that can't work, with their names and values.
    """

    length_s: float = 40.0
    overlap_s: float = 4.0
    search_s: float = 6.0

    def __post_init__(self) -> None:
        if not 1.0 <= self.length_s <= 1800.0:
            raise ValueError(f"length_s is {self.length_s:g}, expected 1 to 1800")
        if not 0 <= self.overlap_s <= self.length_s / 2:
            raise ValueError(
                f"overlap_s is {self.overlap_s:g} with length_s {self.length_s:g}, "
                f"expected 0 to half the length, {self.length_s / 2:g}"
            )
        if not 0 <= self.search_s <= 1800.0:
            raise ValueError(f"search_s is {self.search_s:g}, expected 0 to 1800")

    @property
    def length(self) -> int:
        """The most samples in a window."""
        return round(self.length_s * SAMPLE_RATE_HZ)

    @property
    def sizes_s(self) -> tuple[float, ...]:
        """Four lengths to which windows are padded; the last is the longest that a window may be."""
        return tuple(self.length_s * quarters / 4 for quarters in (1, 2, 3, 4))

    @property
    def context(self) -> int:
        """Samples beyond a cut."""
        return int(self.overlap_s * SAMPLE_RATE_HZ / 2)

    @property
    def search(self) -> int:
        """Samples in which a cut is looked for."""
        return min(round(self.search_s * SAMPLE_RATE_HZ), self.length // 4)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A stretch of the audio.

    Args:
        index: 0 for the first window of a file.
        start: the sample of the file at which it begins.
        samples: int16, 16 kHz, shape [length]; its own copy.
        core_start: the cut before it, a sample of the file; 0 for the first window.
        core_end: the cut behind it; the end of the audio for the last window.
        holes: stretches of the core that could not be decoded.
    """

    index: int
    start: int
    samples: NDArray[np.int16]
    core_start: int
    core_end: int
    holes: tuple[Span, ...] = ()

    @property
    def end(self) -> int:
        """The sample of the file behind its last one."""
        return self.start + len(self.samples)

    @property
    def start_s(self) -> float:
        """Start, in seconds from the start of the audio."""
        return self.start / SAMPLE_RATE_HZ

    @property
    def end_s(self) -> float:
        """End, in seconds from the start of the audio."""
        return self.end / SAMPLE_RATE_HZ

    @property
    def cut_s(self) -> float:
        """The cut before it, in seconds from the start of the audio."""
        return self.core_start / SAMPLE_RATE_HZ


def cut(blocks: Iterable[Block], spec: WindowSpec) -> Iterator[Window]:
    """Cut a stream at the quietest place before each window would be full.

    How the stream is divided into blocks changes nothing. The last window is not tiny: when less than one and
    a half windows are left, two share it. So a window is shorter than three eighths of the length only where
    the whole audio is; no audio gives none. Windows that are not neighbours share nothing.

    Holds one and a half windows, the window that it gives, and a block.
    """
    tape = _Tape(spec)
    for block in blocks:
        samples = block.samples
        while len(samples):
            taken = tape.record(samples, is_hole=block.is_hole)
            samples = samples[taken:]
            if tape.is_full:
                yield tape.window(tape.late_cut())
    while tape.held > spec.length:
        yield tape.window(tape.even_cut())
    if tape.held:
        yield tape.last()


def quietest(samples: NDArray[np.int16], first: int, last: int) -> int:
    """The latest of the quietest places from `first` to `last`, both positions in the samples."""
    reach = SMOOTH_FRAMES * FRAME // 2
    begin = max(first - reach, 0)
    power = frame_powers(samples[begin : last + reach])
    if len(power) < SMOOTH_FRAMES:
        return last
    sums = np.concatenate(([0.0], np.cumsum(power)))
    means = (sums[SMOOTH_FRAMES:] - sums[:-SMOOTH_FRAMES]) / SMOOTH_FRAMES
    (quiet,) = np.nonzero(means <= max(means.min() * ALIKE, SILENCE))
    return min(begin + reach + int(quiet[-1]) * FRAME, last)


class _Tape:
    """The stretch of audio that is not given away yet; positions count from its start."""

    def __init__(self, spec: WindowSpec) -> None:
        self._spec = spec
        self._samples = np.empty(spec.length + spec.length // 2, np.int16)
        self.held = 0
        self._start = self._core_start = self._index = 0
        self._holes: list[Span] = []

    @property
    def is_full(self) -> bool:
        return self.held == len(self._samples)

    def record(self, samples: NDArray[np.int16], *, is_hole: bool) -> int:
        """Take what there is room for; how many samples that was."""
        taken = min(len(samples), len(self._samples) - self.held)
        self._samples[self.held : self.held + taken] = samples[:taken]
        if is_hole:
            self._mark(self._start + self.held, taken)
        self.held += taken
        return taken

    def _mark(self, begin: int, length: int) -> None:
        if self._holes and self._holes[-1][1] == begin:
            begin = self._holes.pop()[0]
        self._holes.append((begin, self._start + self.held + length))

    def late_cut(self) -> int:
        """A cut that makes the window nearly full."""
        return self._quietest(self._latest - self._spec.search, self._latest)

    def even_cut(self) -> int:
        """A cut near the middle of what is left, which fits into two windows."""
        middle, aside = self.held // 2, self._spec.search // 2
        aside = min(aside, self._latest - middle)
        return self._quietest(middle - aside, middle + aside)

    @property
    def _latest(self) -> int:
        return self._spec.length - self._spec.context

    def _quietest(self, first: int, last: int) -> int:
        # A core as long as the overlap, at least: three windows over one place could not be joined in turn.
        least = min(self._core_start - self._start + 2 * self._spec.context, self._latest)
        return quietest(self._samples[: self.held], max(first, least), max(last, least))

    def window(self, at: int) -> Window:
        """The window up to a cut; the tape then starts where the next one does."""
        window = self._window(at, at + self._spec.context)
        begin = at - self._spec.context
        self._samples[: self.held - begin] = self._samples[begin : self.held]
        self.held -= begin
        self._start, self._core_start, self._index = self._start + begin, window.core_end, self._index + 1
        self._holes = [hole for hole in self._holes if hole[1] > window.core_end]
        return window

    def last(self) -> Window:
        """The window that ends with the audio."""
        return self._window(self.held, self.held)

    def _window(self, at: int, end: int) -> Window:
        begin, core_end = self._core_start, self._start + at
        holes = ((max(start, begin), min(stop, core_end)) for start, stop in self._holes)
        return Window(
            self._index,
            self._start,
            self._samples[:end].copy(),
            begin,
            core_end,
            tuple((start, stop) for start, stop in holes if start < stop),
        )
