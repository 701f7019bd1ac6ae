"""A recognizer that notes what passes through it, and batches that are heard again without an engine."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.batching import Limits
from core.ports import HeardBatch, PreparedBatch, Recognizer

Windows = Sequence[NDArray[np.int16]]
Interval = tuple[float, float]


@dataclass(slots=True)
class Notes:
    """What a recognizer did.

    Args:
        keeps: whether the windows themselves are kept.
        batches: windows of each batch, in the order in which they were prepared.
        runs: start and end of each run of the model, in seconds of time.perf_counter.
        counts: windows in each batch.
    """

    keeps: bool = False
    batches: list[Windows] = field(default_factory=list)
    runs: list[Interval] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def clear(self) -> None:
        """Forget all."""
        with self.lock:
            self.batches.clear()
            self.runs.clear()
            self.counts.clear()

    def busy_s(self) -> float:
        """Time in which at least one batch was in the model."""
        with self.lock:
            return covered_s(self.runs)


class WatchedRecognizer:
    """core.ports.Recognizer around another one."""

    def __init__(self, inner: Recognizer, notes: Notes) -> None:
        self._inner = inner
        self._notes = notes

    @property
    def model(self) -> str:
        """The inner one's."""
        return self._inner.model

    def ready(self) -> Limits:
        """The inner one's."""
        return self._inner.ready()

    def prepare(self, windows: Windows) -> PreparedBatch:
        """As the inner one; the windows are noted."""
        with self._notes.lock:
            self._notes.counts.append(len(windows))
            if self._notes.keeps:
                self._notes.batches.append(tuple(windows))
        return _WatchedBatch(self._inner.prepare(windows), self._notes)


@dataclass(frozen=True, slots=True)
class _WatchedBatch:
    inner: PreparedBatch
    notes: Notes

    def run(self) -> HeardBatch:
        begun_s = time.perf_counter()
        try:
            return self.inner.run()
        finally:
            with self.notes.lock:
                self.notes.runs.append((begun_s, time.perf_counter()))


def covered_s(intervals: Sequence[Interval]) -> float:
    """Length of the union of intervals."""
    total_s, until_s = 0.0, float("-inf")
    for start_s, end_s in sorted(intervals):
        total_s += max(0.0, end_s - max(start_s, until_s))
        until_s = max(until_s, end_s)
    return total_s


def bare_s(recognizer: Recognizer, batches: Sequence[Windows]) -> float:
    """Wall time of the model alone on batches that are ready on the device, by as many workers as may run."""
    workers = recognizer.ready().workers
    ready = [recognizer.prepare(windows) for windows in batches]
    begun_s = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda batch: batch.run(), ready):
            pass
    return time.perf_counter() - begun_s
