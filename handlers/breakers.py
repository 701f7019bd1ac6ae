"""The circuit breakers of this process: made with their engines, seen in health and in logs."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from core.breaker import Breaker, Status
from core.ports import Clock

log = logging.getLogger("klipscribe.breakers")


class Breakers:
    """Breakers by the engine that they guard.

    Args:
        clock: theirs.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breakers: dict[str, Breaker] = {}
        self._listeners: list[Callable[[], object]] = []

    def of(self, engine: str) -> Breaker:
        """The breaker of an engine, made at the first call."""
        if engine not in self._breakers:
            self._breakers[engine] = Breaker(self._clock, on_change=partial(self._changed, engine))
        return self._breakers[engine]

    def on_change(self, listener: Callable[[], object]) -> None:
        """Tell also this one when a breaker opens or closes."""
        self._listeners.append(listener)

    def to_json(self) -> Mapping[str, Any]:
        """What health shows of the engines that this process has made; no words of any error."""
        return {name: _plain(breaker.status) for name, breaker in self._breakers.items()}

    def _changed(self, engine: str, status: Status) -> None:
        level = logging.ERROR if status.state == "open" else logging.INFO
        log.log(
            level, "the circuit breaker of %s is %s", engine, status.state, extra={"breaker": _plain(status)}
        )
        for listener in self._listeners:
            listener()


def _plain(status: Status) -> dict[str, Any]:
    return {
        "breaker": status.state,
        "failures": status.failures,
        "retry_in_s": round(status.retry_in_s, 1),
        "code": status.code,
    }
