"""What the GPU service says of itself while it lives, and what others make of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, get_args

from core.breaker import State
from core.routes import EngineFacts

BEAT_S = 20.0
FRESH_S = 60.0
"""Three beats: one may be late and one lost before an instance counts as gone."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One instance, as it was when it said so.

    Args:
        on_gpu: whether Parakeet runs on a GPU there.
        device: which one.
        model: what Parakeet runs.
        rtfx: the speed by which it predicts.
        queue_s: how long a file that comes now waits for others.
        breaker: of Parakeet.
    """

    on_gpu: bool
    device: str
    model: str
    rtfx: float
    queue_s: float = 0.0
    breaker: State = "closed"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; from_json reads them back."""
        return {
            "schema": 1,
            "on_gpu": self.on_gpu,
            "device": self.device,
            "model": self.model,
            "rtfx": self.rtfx,
            "queue_s": round(self.queue_s, 3),
            "breaker": self.breaker,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Heartbeat":
        """Read what to_json wrote.

        Raises:
            KeyError, TypeError, ValueError: a field is missing, of another kind, or out of range.
        """
        rtfx, queue_s = float(values["rtfx"]), float(values["queue_s"])
        if not (isfinite(rtfx) and rtfx > 0 and isfinite(queue_s) and queue_s >= 0):
            raise ValueError(f"a heartbeat says {rtfx} times real time and a queue of {queue_s} s")
        if values["breaker"] not in get_args(State):
            raise ValueError(f"a heartbeat says that its breaker is {values['breaker']!r}")
        on_gpu, device, model = bool(values["on_gpu"]), str(values["device"]), str(values["model"])
        return cls(on_gpu, device, model, rtfx, queue_s, values["breaker"])


@dataclass(frozen=True, slots=True)
class Seen:
    """A heartbeat, and how old it is by the clock of who kept it."""

    beat: Heartbeat
    age_s: float

    @property
    def is_fresh(self) -> bool:
        """Whether its instance lives."""
        return self.age_s <= FRESH_S


def facts_from(seen: Sequence[Seen], otherwise: EngineFacts) -> EngineFacts:
    """What the heartbeats say of the GPU.

    The instance with the shortest queue speaks for all that live and work. None lives: cold, and as fast as
    the last one that did. All that live rest: unavailable. A service that last ran without a GPU has none.

    Args:
        seen: in any order.
        otherwise: what is taken for true where no heartbeat says more.
    """
    if not seen:
        return otherwise
    latest = min(seen, key=lambda one: one.age_s)
    if not latest.beat.on_gpu:
        return replace(otherwise, gpu="unavailable", cpu_rtfx=latest.beat.rtfx)
    alive = [one.beat for one in seen if one.is_fresh and one.beat.on_gpu]
    if not alive:
        return replace(otherwise, gpu="cold", parakeet_rtfx=latest.beat.rtfx)
    working = [beat for beat in alive if beat.breaker != "open"]
    best = min(working or alive, key=lambda beat: beat.queue_s)
    return replace(
        otherwise,
        gpu="ready" if working else "unavailable",
        queue_s=best.queue_s,
        parakeet_rtfx=best.rtfx,
        gpu_breaker=best.breaker,
    )
