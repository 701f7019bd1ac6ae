"""What files of a length should take and cost by each method, and from where on a method pays."""

from dataclasses import dataclass, replace
from math import inf

from core.cost import deepgram_cost, gpu_cost
from core.routes import EngineFacts, FileFacts, Method, Prediction, RoutingPolicy, predict
from core.routing import choose_route

METHODS: tuple[Method, ...] = ("parakeet", "hybrid", "deepgram", "parakeet_cpu")


@dataclass(frozen=True, slots=True)
class Expected:
    """One length of audio.

    Args:
        audio_s: its length.
        warm: by method, with a GPU that is running in any case.
        cold: by method, with a GPU that has to start for this file alone.
        chosen_warm: what routing picks with a running GPU.
        chosen_cold: what it picks with one that would have to start.
    """

    audio_s: float
    warm: dict[Method, Prediction]
    cold: dict[Method, Prediction]
    chosen_warm: Method
    chosen_cold: Method


def expected(audio_s: float, engines: EngineFacts, policy: RoutingPolicy) -> Expected:
    """Time and cost of one file with nothing else to do."""
    file = FileFacts("a file", "0", audio_s)
    warm, cold = replace(engines, gpu="ready"), replace(engines, gpu="cold")
    return Expected(
        audio_s=audio_s,
        warm={method: predict(method, file, warm, policy) for method in METHODS},
        cold={method: predict(method, file, cold, policy) for method in METHODS},
        chosen_warm=choose_route(file, warm, policy).method,
        chosen_cold=choose_route(file, cold, policy).method,
    )


def break_even_s(engines: EngineFacts, policy: RoutingPolicy) -> float:
    """Seconds of audio from which a GPU that is woken for them costs less than Deepgram; inf for never."""
    per_s = (
        deepgram_cost(1, policy.rates, policy.deepgram_model)
        - gpu_cost(1, policy.rates) / engines.parakeet_rtfx
    )
    woken_usd = gpu_cost(engines.start_s + policy.rates.idle_tail_s, policy.rates)
    return woken_usd / per_s if per_s > 0 else inf
