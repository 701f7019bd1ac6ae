"""Who pays for an instance: each second of its life is charged once, shared among those it works for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Literal, Protocol

from core.audio import AudioInfo, AudioSource
from core.billing import Bill, Usage
from core.ports import Clock
from core.transcript import Transcript


@dataclass(slots=True, eq=False)
class Share:
    """What one attempt has used of the instance so far, in seconds."""

    active_s: float = 0.0
    cold_start_s: float = 0.0
    idle_s: float = 0.0


class InstanceMeter:
    """Divides an instance's time evenly among the attempts that it works for at the same time.

    Who comes first pays for the start, who comes after a pause pays for the pause: so the shares of all
    attempts add up to the time that has passed. What follows the last attempt is not known to anybody here.

    Args:
        clock: tells the time.
        started_s: when the instance started, on the clock's monotonic time; None for now.
    """

    def __init__(self, clock: Clock, started_s: float | None = None) -> None:
        self._clock = clock
        self._lock = Lock()
        self._shares: set[Share] = set()
        self._settled_s = clock.monotonic() if started_s is None else started_s
        self._waited_s = 0.0
        self._is_cold = True

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Take part; the share is whole when the block has ended."""
        mine = Share()
        with self._lock:
            self._settle()
            if self._is_cold:
                mine.cold_start_s = self._waited_s
            else:
                mine.idle_s = self._waited_s
            self._waited_s, self._is_cold = 0.0, False
            self._shares.add(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._settle()
                self._shares.remove(mine)

    def _settle(self) -> None:
        """Charge the time since the last change."""
        now_s = self._clock.monotonic()
        passed_s, self._settled_s = now_s - self._settled_s, now_s
        for share in self._shares:
            share.active_s += passed_s / len(self._shares)
        if not self._shares:
            self._waited_s += passed_s


class Unmetered(Protocol):
    """An engine that knows nothing of money: core.windowed.WindowedEngine."""

    @property
    def name(self) -> str:
        """parakeet."""
        ...

    @property
    def model(self) -> str:
        """Name of the speech model."""
        ...

    def transcribe(self, source: AudioSource, info: AudioInfo) -> Transcript:
        """As core.ports.Engine, without a bill."""
        ...


class Metered:
    """An engine on this instance, whose time goes on the bill.

    Args:
        engine: hears.
        meter: of the instance.
        runner: how it is paid.
    """

    def __init__(
        self, engine: Unmetered, meter: InstanceMeter, runner: Literal["parakeet", "parakeet_cpu"]
    ) -> None:
        self._engine, self._meter, self._runner = engine, meter, runner

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    @property
    def model(self) -> str:
        """The engine's."""
        return self._engine.model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """As the engine does; a failed attempt is billed too. Raises what the engine raises."""
        heard_s = 0.0
        share = Share()
        try:
            with self._meter.share() as share:
                transcript = self._engine.transcribe(source, info)
                heard_s = transcript.duration_s
        finally:
            bill.add(
                Usage(
                    self._runner,
                    self.model,
                    heard_s=heard_s,
                    active_s=share.active_s,
                    cold_start_s=share.cold_start_s,
                    idle_s=share.idle_s,
                )
            )
        return transcript
