"""When to stop asking an engine that keeps failing, and when to ask it again.

closed --failures at so many files, none heard in between--> open --rest--> half open --one trial-->
closed when it was heard, open again for twice as long when not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Literal

from core.ports import Clock

State = Literal["closed", "open", "half_open"]

FAILURES = 3
"""Two are what one file may cost before it moves on; the third is another file's."""

REST_S = 30.0
LONGEST_REST_S = 600.0
"""About as long as an idle instance is kept: a longer rest would never end on the same one."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is seen of a breaker from outside.

    Args:
        state: closed lets all through, open none, half_open one.
        failures: files at which the engine has failed since it last heard one.
        retry_in_s: seconds until a trial; 0 unless open.
        code: of the last failure; empty before the first.
        admits: whether a call would be let through now. Not while a trial is being made.
    """

    state: State
    failures: int = 0
    retry_in_s: float = 0.0
    code: str = ""
    admits: bool = True


class Breaker:
    """The circuit breaker of one engine. Threads may share it.

    Args:
        clock: the rest is measured by its monotonic time.
        failures: how many different files have to fail in a row. A file that fails often counts once, since
            it may be to blame itself.
        rest_s: the first rest; each trial that fails doubles it.
        longest_rest_s: what it is doubled to at most, and how long a trial may take before the next one.
        on_change: told the new status after each change of state but the one that time makes.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        failures: int = FAILURES,
        rest_s: float = REST_S,
        longest_rest_s: float = LONGEST_REST_S,
        on_change: Callable[[Status], object] = lambda _: None,
    ) -> None:
        self._clock, self._most = clock, failures
        self._first_rest_s, self._longest_rest_s = rest_s, longest_rest_s
        self._on_change = on_change
        self._lock = Lock()
        self._failed: set[str] = set()
        self._code = ""
        self._rest_s = rest_s
        self._until_s: float | None = None
        self._trial_until_s: float | None = None
        self._era = 0

    @property
    def status(self) -> Status:
        """As it is now."""
        with self._lock:
            return self._status()

    def admit(self) -> int | None:
        """Let a call through: a number to answer for it with, or None while the engine rests."""
        with self._lock:
            status = self._status()
            if not status.admits:
                return None
            if status.state == "half_open":
                self._trial_until_s = self._clock.monotonic() + self._longest_rest_s
            return self._era

    def heard(self) -> None:
        """A call went well, whenever it began: the engine works."""
        with self._lock:
            was_closed = self._until_s is None
            self._failed.clear()
            self._until_s, self._trial_until_s, self._rest_s = None, None, self._first_rest_s
            self._era += not was_closed
            status = self._status()
        if not was_closed:
            self._on_change(status)

    def failed(self, call: int, file: str, code: str) -> None:
        """A call failed, and the engine is to blame. Calls from before a change of state tell nothing new."""
        with self._lock:
            if call != self._era:
                return
            self._failed.add(file)
            self._code = code
            is_trial = self._until_s is not None
            if not is_trial and len(self._failed) < self._most:
                return
            self._open(self._rest_s * 2 if is_trial else self._first_rest_s)
            status = self._status()
        self._on_change(status)

    def unproven(self, call: int) -> None:
        """A call ended without a word on the engine; after a trial, the next call is one."""
        with self._lock:
            if call == self._era:
                self._trial_until_s = None

    def _open(self, rest_s: float) -> None:
        self._rest_s = min(rest_s, self._longest_rest_s)
        self._until_s, self._trial_until_s = self._clock.monotonic() + self._rest_s, None
        self._era += 1

    def _state(self) -> State:
        if self._until_s is None:
            return "closed"
        return "open" if self._clock.monotonic() < self._until_s else "half_open"

    def _status(self) -> Status:
        state, now_s = self._state(), self._clock.monotonic()
        left_s = (self._until_s or 0.0) - now_s if state == "open" else 0.0
        is_tried = self._trial_until_s is not None and now_s < self._trial_until_s
        admits = state == "closed" or (state == "half_open" and not is_tried)
        return Status(state, len(self._failed), left_s, self._code, admits)
