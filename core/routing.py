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
from core.routing_rules import Options, left, privacy

__all__ = [
    "EngineFacts",
    "FileFacts",
    "Gpu",
    "Method",
    "Prediction",
    "Reason",
    "Route",
    "RoutingPolicy",
    "at_best",
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


_AT_FALLBACK = Reason("fallback", "the file was sent to the fallback, which has no other engine")


def choose_route(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Route:
    """The method for a file, with what it should take and cost.

    Raises:
        NoRoute: the settings leave none, and would with an idle GPU too.
        NoRouteNow: none at this moment, because of the GPU's state or its queue.
    """
    options = left(file, engines, policy)
    if not options.methods:
        raise _no_route(options, file, engines, policy)
    method = options.methods[0]
    prediction = predict(method, file, engines, policy)
    return Route(method, options.reasons, prediction.seconds, prediction.usd)


def at_ingest(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Route | None:
    """The Deepgram route of a file for which no GPU should be woken, or None: then the GPU's side decides.

    Args:
        file: what is known of it.
        engines: what the GPU service last said of itself; at_best() where nothing can be known, and then
            only what no fact of the GPU could change is sent to Deepgram from here.
        policy: what it keeps here stays, however dear: all of its rules are heard.

    Raises:
        NoRoute: the settings leave no method, whatever the GPU does.
    """
    try:
        route = choose_route(file, engines, policy)
    except NoRouteNow:
        return None  # the request waits at the GPU's subscription, until the GPU is well
    return route if route.method == "deepgram" else None


def at_best(engines: EngineFacts) -> EngineFacts:
    """The same engines with a GPU that is ready, idle and as fast as can be."""
    return replace(engines, gpu="ready", gpu_breaker="closed", queue_s=0.0, parakeet_rtfx=inf)


def at_fallback(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Route:
    """The route of a file that has reached the fallback: Deepgram, unless it may not leave.

    Raises:
        NoRoute: the settings keep the file away from Deepgram.
    """
    only_deepgram = replace(policy, force_deepgram=True, enable_gpu=False, allow_cpu_parakeet=False)
    route = choose_route(file, engines, only_deepgram)
    if policy.force_deepgram:
        return route
    reasons = (_AT_FALLBACK if reason.code == "forced" else reason for reason in route.reasons)
    return replace(route, reasons=tuple(reasons))


def may_fall_back(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> bool:
    """Whether a job may move to Deepgram after its engine failed."""
    private = privacy(Options(("deepgram",)), file, engines, policy)
    return policy.enable_fallback and bool(private.methods) and file.wish != "parakeet"


def _no_route(
    options: Options, file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> NoRoute | NoRouteNow:
    passing = left(file, at_best(engines), policy).methods
    return (NoRouteNow if passing else NoRoute)(file.name, sentences(options.reasons))
