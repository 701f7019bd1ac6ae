"""The windows of all jobs that wait for the model, and the batches that must be heard once more."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from core.batching import Limits, choose
from core.ports import SAMPLE_RATE_HZ
from core.transcript import Word

BATCHES_WAITING = 3
"""For each worker: one to be prepared next, and two that arrive while it is."""

UNTIL_LOADED_S = 600.0
"""What may wait until the model says how much it hears at once: 19 MB of samples."""


@dataclass(frozen=True, slots=True, eq=False)
class Submitted:
    """A window on its way to the model.

    Args:
        line: number of the line that it came in by.
        samples: int16, 16 kHz, mono, shape [any length].
        future: gets its words.
    """

    line: int
    samples: NDArray[np.int16]
    future: "Future[list[Word]]" = field(default_factory=Future)

    @property
    def length_s(self) -> float:
        """How much audio it holds."""
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Windows that the model hears at once, padded to one size."""

    size_s: float
    windows: tuple[Submitted, ...]

    @property
    def audio_s(self) -> float:
        """Audio without the padding."""
        return sum(window.length_s for window in self.windows)

    def parts(self, most: int) -> Iterator["Batch"]:
        """The same windows in order, in batches of a number of them."""
        for start in range(0, len(self.windows), most):
            yield Batch(self.size_s, self.windows[start : start + most])


class WindowQueue:
    """Who waits, line by line, in the order of their turns. Not safe for threads: its owner has the lock.

    A window that leaves the queue, for whatever reason, is claimed: either its future runs from then on, and
    whoever has the window must settle it, or somebody has cancelled it before.

    Args:
        bound_s: how much audio may wait in all; None for as much as keeps the model busy. A line's share is
            that through the number of lines with windows that wait.
    """

    def __init__(self, bound_s: float | None = None) -> None:
        self._is_fixed = bound_s is not None
        self._bound_s = UNTIL_LOADED_S if bound_s is None else bound_s
        self._numbers = count()
        self._lines: dict[int, list[Submitted]] = {}
        self._expected_s: dict[int, float] = {}
        self._work_s: dict[int, float] = {}
        self._again: deque[Batch] = deque()

    def serve(self, limits: Limits) -> None:
        """Let as much wait as keeps a model of these limits busy, unless the bound is fixed."""
        if not self._is_fixed:
            largest_s = max(size_s * most for size_s, most in zip(limits.sizes_s, limits.most, strict=True))
            self._bound_s = BATCHES_WAITING * limits.workers * largest_s

    @property
    def waiting_s(self) -> float:
        """Audio that waits for its first batch."""
        return sum(_length_s(windows) for windows in self._lines.values())

    @property
    def again_s(self) -> float:
        """Audio that waits to be heard once more."""
        return sum(batch.audio_s for batch in self._again)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._again and not any(self._lines.values())

    @property
    def expected_s(self) -> float:
        """Audio that open lines have announced and not added yet."""
        return sum(max(0.0, seconds) for seconds in self._expected_s.values())

    def open_line(self, expected_s: float = 0.0) -> int:
        """The number of a new line for so much audio, whose turn comes after those of all others."""
        line = next(self._numbers)
        self._lines[line] = []
        self._expected_s[line] = expected_s
        self._work_s[line] = 0.0
        return line

    def has_line(self, line: int) -> bool:
        """Whether the line is open."""
        return line in self._lines

    def close_line(self, line: int) -> tuple[list[Submitted], list[Submitted]]:
        """Close a line: its windows that waited for a first batch, not claimed yet, and for another one."""
        waiting = self._lines.pop(line, [])
        self._expected_s.pop(line, None)
        self._work_s.pop(line, None)
        again = list(self._again)
        self._again.clear()
        return waiting, self.put_back(again)

    def admits(self, line: int, length_s: float) -> bool:
        """Whether a window fits into the whole and into its line's share, or its line has none that waits."""
        mine_s = _length_s(self._lines[line])
        others = sum(1 for other, windows in self._lines.items() if windows and other != line)
        share_s = self._bound_s / (others + 1)
        fits = mine_s + length_s <= share_s and self.waiting_s + length_s <= self._bound_s
        return fits or not self._lines[line]

    def add(self, window: Submitted) -> None:
        """Let a window wait behind the others of its line."""
        self._lines[window.line].append(window)
        self._expected_s[window.line] -= window.length_s

    def charge(self, batch: Batch, cost_s: float) -> None:
        """Share out what a batch has cost among the open lines of its windows, by their audio."""
        for window in batch.windows:
            if window.line in self._work_s:
                self._work_s[window.line] += cost_s * window.length_s / batch.audio_s

    def work_s(self, line: int) -> float:
        """What the model has worked for an open line, in seconds."""
        return self._work_s[line]

    def put_back(self, batches: Sequence[Batch]) -> list[Submitted]:
        """Put batches before all others; returns those of their windows whose lines have been closed."""
        dropped: list[Submitted] = []
        for batch in reversed(batches):
            wanted = tuple(window for window in batch.windows if self.has_line(window.line))
            dropped += (window for window in batch.windows if not self.has_line(window.line))
            if wanted:
                self._again.appendleft(Batch(batch.size_s, wanted))
        return dropped

    def take(self, limits: Limits) -> Batch | None:
        """The next batch; None when nothing waits."""
        if self._again:
            first, *rest = _within(self._again.popleft(), limits)
            self._again.extendleft(reversed(rest))
            return first
        while choice := choose({line: _lengths_s(windows) for line, windows in self._lines.items()}, limits):
            windows = self._pull(choice.picks)
            if claimed := tuple(filter(claim, windows)):
                return Batch(choice.size_s, claimed)
        return None

    def clear(self) -> list[Submitted]:
        """Empty the queue; returns what waited, without what was cancelled."""
        waiting = [window for windows in self._lines.values() for window in windows if claim(window)]
        waiting += (window for batch in self._again for window in batch.windows)
        self._again.clear()
        for windows in self._lines.values():
            windows.clear()
        return waiting

    def _pull(self, picks: Sequence[tuple[int, int]]) -> list[Submitted]:
        """Remove windows by line and index, and move the first one's line behind all others."""
        pulled = [self._lines[line][index] for line, index in picks]
        gone = set(map(id, pulled))
        for line in {line for line, _ in picks}:
            self._lines[line] = [window for window in self._lines[line] if id(window) not in gone]
        leader = picks[0][0]
        self._lines[leader] = self._lines.pop(leader)
        return pulled


def claim(window: Submitted) -> bool:
    """Take a window out of its caller's hands; False when the caller has cancelled it."""
    return window.future.set_running_or_notify_cancel()


def _within(batch: Batch, limits: Limits) -> Iterator[Batch]:
    return batch.parts(limits.most_of(batch.size_s))


def _lengths_s(windows: Sequence[Submitted]) -> list[float]:
    return [window.length_s for window in windows]


def _length_s(windows: Sequence[Submitted]) -> float:
    return sum(_lengths_s(windows))
