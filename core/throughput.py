"""What the model has heard so far, and how fast."""

from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

REMEMBERED_BATCHES = 32
"""Enough that a few slow ones do not count, few enough to follow a change within seconds."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Counts since the start.

    Args:
        batches: that the model heard to the end.
        windows: in them.
        room: windows that these batches could have held.
        audio_s: audio in them, without padding.
        padded_s: with padding.
        busy_s: time in which at least one batch was in the model, failed ones too.
        out_of_memory: batches that ran out of memory.
        bisections: batches that failed otherwise and were divided.
        retries: batches made of what was divided.
    """

    batches: int = 0
    windows: int = 0
    room: int = 0
    audio_s: float = 0.0
    padded_s: float = 0.0
    busy_s: float = 0.0
    out_of_memory: int = 0
    bisections: int = 0
    retries: int = 0

    @property
    def fill(self) -> float:
        """Share of the batches' room that windows took; 0 before the first."""
        return self.windows / self.room if self.room else 0.0

    @property
    def padded_share(self) -> float:
        """Share of what the model heard that was padding."""
        return 1 - self.audio_s / self.padded_s if self.padded_s else 0.0


class Meter:
    """Counts batches and shares out the model's time among them. Not safe for threads."""

    def __init__(self) -> None:
        self.stats = Stats()
        self._running: dict[Hashable, float] = {}
        self._since_s = 0.0
        self._speeds: deque[tuple[float, float]] = deque(maxlen=REMEMBERED_BATCHES)

    @property
    def rtfx(self) -> float | None:
        """Audio seconds per second while the model is busy; None before the first batch.

        The median of the last batches, each weighted by its audio: neither a slow first batch nor small ones
        at the end of a file move it much.
        """
        return weighted_median(self._speeds) if self._speeds else None

    def started(self, batch: Hashable, now_s: float) -> None:
        """A batch entered the model."""
        self._pass(now_s)
        self._running[batch] = 0.0

    def stopped(self, batch: Hashable, now_s: float) -> float:
        """A batch left the model; what it cost: time beside n others counts 1 / (n + 1)."""
        self._pass(now_s)
        return self._running.pop(batch)

    def heard(self, windows: int, room: int, audio_s: float, padded_s: float, cost_s: float) -> None:
        """A batch was heard well."""
        if cost_s > 0:
            self._speeds.append((audio_s / cost_s, audio_s))
        self.stats = replace(
            self.stats,
            batches=self.stats.batches + 1,
            windows=self.stats.windows + windows,
            room=self.stats.room + room,
            audio_s=self.stats.audio_s + audio_s,
            padded_s=self.stats.padded_s + padded_s,
        )

    def out_of_memory(self) -> None:
        """A batch did not fit."""
        self.stats = replace(self.stats, out_of_memory=self.stats.out_of_memory + 1)

    def bisected(self) -> None:
        """A batch failed otherwise, and is divided."""
        self.stats = replace(self.stats, bisections=self.stats.bisections + 1)

    def retried(self, batches: int) -> None:
        """Batches were made of the windows of one that failed."""
        self.stats = replace(self.stats, retries=self.stats.retries + batches)

    def _pass(self, now_s: float) -> None:
        passed_s = now_s - self._since_s
        self._since_s = now_s
        if self._running:
            self.stats = replace(self.stats, busy_s=self.stats.busy_s + passed_s)
            share_s = passed_s / len(self._running)
            self._running = {batch: cost_s + share_s for batch, cost_s in self._running.items()}


def weighted_median(weighted: Sequence[tuple[float, float]]) -> float:
    """The value at which half of the weight lies below, from (value, weight) pairs."""
    ranked = sorted(weighted)
    sums = list(accumulate(weight for _, weight in ranked))
    return next(value for (value, _), below in zip(ranked, sums, strict=True) if below >= sums[-1] / 2)
