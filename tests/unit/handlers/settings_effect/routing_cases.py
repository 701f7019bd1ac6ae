"""Settings that decide who hears a file, and what is reckoned with."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.errors import EngineFailed, NoRoute, NoRouteNow
from core.routing import FileFacts, Route, choose_route
from tests.unit.handlers.settings_effect.case import CPU, GPU, Case
from tests.unit.handlers.settings_effect.rig import VIDEO, Rig

ON_PARAKEET = {**GPU, "TRANSCRIPTION_METHOD": "parakeet"}
BY_MATRIX = {**GPU, "COST_OPTIMIZATION": "false"}


def _route(rig: Rig, hours: float, language: str = "", **facts: Any) -> Route:
    file = FileFacts("file", VIDEO, hours * 3600, language)
    return choose_route(file, replace(rig.world.engine_facts(), **facts), rig.settings.routing_policy())


def method(hours: float = 1.0, **more: Any) -> Callable[[Rig], object]:
    def seen(rig: Rig) -> object:
        try:
            return _route(rig, hours, **more).method
        except (NoRoute, NoRouteNow) as error:
            return error.code

    return seen


def row(hours: float) -> Callable[[Rig], object]:
    """The row of the matrix that a file is in."""
    return lambda rig: [
        reason.code for reason in _route(rig, hours).reasons if reason.code.startswith("matrix")
    ]


def usd(hours: float = 1.0, **facts: Any) -> Callable[[Rig], object]:
    return lambda rig: round(_route(rig, hours, **facts).predicted_cost_usd, 7)


def seconds(hours: float) -> Callable[[Rig], object]:
    return lambda rig: round(_route(rig, hours).predicted_s, 3)


def after_a_failure(rig: Rig) -> object:
    rig.parakeet.failures = [EngineFailed("broken", deterministic=True)]
    return rig.transcribe()


def requested_from(rig: Rig) -> object:
    rig.ingest()
    return rig.topics()


CASES = [
    Case("TRANSCRIPTION_METHOD", "deepgram", method(), "parakeet", "deepgram", GPU),
    Case("ENABLE_GPU_TRANSCRIPTION", "false", method(), "parakeet", "deepgram", GPU),
    Case("FORCE_DEEPGRAM_TRANSCRIPTION", "true", method(), "parakeet", "deepgram", GPU),
    Case("ALLOW_DEEPGRAM", "false", method(), "deepgram", "no_route", CPU),
    Case("ENABLE_FALLBACK", "false", after_a_failure, "handed over", "engine_failed", GPU),
    Case("ALLOW_CPU_PARAKEET", "true", method(0.1), "deepgram", "parakeet_cpu", BY_MATRIX | CPU),
    Case("COST_OPTIMIZATION", "false", method(5), "parakeet", "deepgram", GPU),
    Case("SHORT_FILE_THRESHOLD_HOURS", "0.5", row(1), ["matrix_short"], ["matrix_medium"], GPU),
    Case("LONG_FILE_THRESHOLD_HOURS", "2.5", row(3), ["matrix_medium"], ["matrix_long"], GPU),
    Case("ROLLOUT_PERCENT", "0", method(), "parakeet", "deepgram", GPU),
    Case("ROLLOUT_VIDEO_IDS", VIDEO, method(), "deepgram", "parakeet", {**GPU, "ROLLOUT_PERCENT": "0"}),
    Case("MAX_TURNAROUND_S", "60", method(1.9), "parakeet", "deepgram", GPU),
    Case(
        "ROUTE_AT_INGEST",
        "false",
        requested_from,
        {"transcription-fallback"},
        {"transcription-requested"},
        {**GPU, "FORCE_DEEPGRAM_TRANSCRIPTION": "true"},
    ),
    Case("HYBRID_SPLIT_HOURS", "1", seconds(3), 49.091, 60.0, {**GPU, "TRANSCRIPTION_METHOD": "hybrid"}),
    Case("PARAKEET_LANGUAGES", "en,de", method(language="de-AT"), "deepgram", "parakeet", GPU),
    Case("PARAKEET_DEVICE", "cpu", method(), "parakeet", "deepgram", GPU),
    Case("GPU_RTFX", "360", seconds(1), 36.0, 10.0, ON_PARAKEET),
    Case("CPU_RTFX", "4", seconds(0.1), 180.0, 90.0, {**ON_PARAKEET, **CPU, "ALLOW_CPU_PARAKEET": "true"}),
    Case("DEEPGRAM_API_KEY", "made-up", method(), "no_route", "deepgram", {"PARAKEET_DEVICE": "cpu"}),
    Case("DEEPGRAM_USD_PER_MINUTE", "0.01", usd(), 0.27, 0.6, CPU),
    Case("WAITING_USD_PER_MINUTE", "0", method(queue_s=3000.0), "deepgram", "parakeet", GPU),
    # A second of the instance: 0.0001867 + 4 * 0.000018 + 16 * 0.000002 USD; an hour of audio takes 36 s.
    Case("GPU_USD_PER_SECOND", "0.001", usd(), 0.0104652, 0.039744, ON_PARAKEET),
    Case("VCPU_USD_PER_SECOND", "0.0001", usd(), 0.0104652, 0.0222732, ON_PARAKEET),
    Case("GIB_USD_PER_SECOND", "0.0001", usd(), 0.0104652, 0.0669132, ON_PARAKEET),
    Case("INSTANCE_VCPUS", "8", usd(), 0.0104652, 0.0130572, ON_PARAKEET),
    Case("INSTANCE_GIB", "32", usd(), 0.0104652, 0.0116172, ON_PARAKEET),
    Case("IDLE_TAIL_S", "0", usd(gpu="cold"), 0.2023272, 0.0279072, ON_PARAKEET),
]
