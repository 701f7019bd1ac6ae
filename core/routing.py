"""Which engine transcribes a file: one pure function over facts and a policy."""

from dataclasses import replace
from math import inf

from core.errors import NoRoute, NoRouteNow
from core.routes import (
    EngineFacts,
    FileFacts,
    Gpu,
    Method,
    Prediction,
    Reason,
    Route,
    RoutingPolicy,
    plain,
    predict,
    rollout_bucket,
    score_usd,
    sentences,
)
from core.routing_rules import RULES, Options, privacy

__all__ = [
    "EngineFacts",
    "FileFacts",
    "Gpu",
    "Method",
    "Prediction",
    "Reason",
    "Route",
    "RoutingPolicy",
    "at_fallback",
    "at_ingest",
    "choose_route",
    "may_fall_back",
    "plain",
    "predict",
    "rollout_bucket",
    "score_usd",
    "sentences",
]


def choose_route(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Route:
    """The method for a file, with what it should take and cost.

    Raises:
        NoRoute: the settings leave none, and would with an idle GPU too.
        NoRouteNow: none at this moment, because of the GPU's state or its queue.
    """
    options = _left(file, engines, policy)
    if not options.methods:
        raise _no_route(options, file, engines, policy)
    method = options.methods[0]
    prediction = predict(method, file, engines, policy)
    return Route(method, options.reasons, prediction.seconds, prediction.usd)


def at_ingest(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Route | None:
    """The Deepgram route that no fact of the GPU could change, or None: then the GPU's side decides.

    Raises:
        NoRoute: the settings leave no method, whatever the GPU does.
    """
    route = choose_route(file, _at_best(engines), policy)
    return route if route.method == "deepgram" else None


def at_fallback(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Route:
    """The route of a file that has reached the fallback: Deepgram, unless it may not leave.

    Raises:
        NoRoute: the settings keep the file away from Deepgram.
    """
    only_deepgram = replace(policy, force_deepgram=True, enable_gpu=False, allow_cpu_parakeet=False)
    return choose_route(file, engines, only_deepgram)


def may_fall_back(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> bool:
    """Whether a job may move to Deepgram after its engine failed."""
    private = privacy(Options(("deepgram",)), file, engines, policy)
    return policy.enable_fallback and bool(private.methods) and file.wish != "parakeet"


def _left(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Options:
    options = Options(("parakeet", "parakeet_cpu", "deepgram", "hybrid"))
    for rule in RULES:
        options = rule(options, file, engines, policy)
    return options


def _at_best(engines: EngineFacts) -> EngineFacts:
    return replace(engines, gpu="ready", queue_s=0.0, parakeet_rtfx=inf)


def _no_route(
    options: Options, file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> NoRoute | NoRouteNow:
    passing = _left(file, _at_best(engines), policy).methods
    return (NoRouteNow if passing else NoRoute)(file.name, sentences(options.reasons))
