from dataclasses import replace
from typing import Any

import pytest

from core.cost import Rates
from core.errors import NoRoute, NoRouteNow
from core.routing import (
    EngineFacts,
    FileFacts,
    RoutingPolicy,
    choose_route,
    predict,
    rollout_bucket,
)

HOUR = 3600.0
PLAIN = RoutingPolicy(cost_optimization=False)
READY = EngineFacts()
GONE = EngineFacts(gpu="unavailable")


def a_file(hours: float = 1.0, **facts: Any) -> FileFacts:
    return FileFacts("gs://b/1/audio_1.mp3", facts.pop("video_id", "1"), hours * HOUR, **facts)


def codes(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> list[str]:
    return [reason.code for reason in choose_route(file, engines, policy).reasons]


MATRIX = [
    (0.01, "ready", "parakeet"),
    (2 - 1e-6, "ready", "parakeet"),
    (2, "ready", "hybrid"),
    (4 - 1e-6, "ready", "hybrid"),
    (4, "ready", "deepgram"),
    (12, "ready", "deepgram"),
    (1, "cold", "parakeet"),
    (0.01, "unavailable", "deepgram"),
    (3, "unavailable", "deepgram"),
    (12, "unavailable", "deepgram"),
]


@pytest.mark.parametrize(("hours", "gpu", "method"), MATRIX)
def test_the_matrix_decides_when_cost_does_not(hours: float, gpu: Any, method: str) -> None:
    route = choose_route(a_file(hours), EngineFacts(gpu=gpu), PLAIN)
    assert route.method == method


def test_the_thresholds_are_settings() -> None:
    policy = replace(PLAIN, short_s=10.0, long_s=20.0)
    for duration_s, code in [(9.9, "matrix_short"), (10, "matrix_medium"), (20, "matrix_long")]:
        assert code in codes(a_file(duration_s / HOUR), READY, policy)


def test_without_deepgram_a_medium_file_stays_whole() -> None:
    for engines, policy in [
        (EngineFacts(deepgram_available=False), PLAIN),
        (READY, replace(PLAIN, allow_deepgram=False)),
        (READY, replace(PLAIN, method="parakeet")),
    ]:
        assert choose_route(a_file(3), engines, policy).method == "parakeet"


CPU = [
    (0.49, True, "parakeet_cpu"),
    (0.5, True, "deepgram"),
    (0.49, False, "deepgram"),
]


@pytest.mark.parametrize(("hours", "allowed", "method"), CPU)
def test_without_a_gpu_short_files_stay_on_the_cpu_only_where_that_is_allowed(
    hours: float, allowed: bool, method: str
) -> None:
    policy = replace(PLAIN, allow_cpu_parakeet=allowed)
    assert choose_route(a_file(hours), GONE, policy).method == method


def test_the_cpu_is_left_alone_while_there_is_a_gpu() -> None:
    policy = RoutingPolicy(allow_cpu_parakeet=True, allow_deepgram=False)
    with pytest.raises(NoRouteNow):
        choose_route(a_file(), EngineFacts(queue_s=9000), policy)


PRECEDENCE: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"allow_deepgram": False, "force_deepgram": True}, {}, "none", "deepgram_not_allowed"),
    ({"allow_deepgram": False, "method": "deepgram"}, {}, "none", "deepgram_not_allowed"),
    ({"allow_deepgram": False, "rollout_percent": 0}, {}, "parakeet", "rollout_moot"),
    ({"allow_deepgram": False, "long_s": HOUR, "short_s": 1}, {}, "parakeet", "deepgram_not_allowed"),
    ({"force_deepgram": True, "method": "parakeet"}, {}, "none", "method_parakeet"),
    ({"force_deepgram": True, "method": "hybrid"}, {}, "deepgram", "forced"),
    ({"force_deepgram": True}, {"engine": "parakeet"}, "deepgram", "wish_declined"),
    ({"method": "parakeet", "rollout_percent": 0}, {}, "parakeet", "method"),
    ({"method": "parakeet", "long_s": HOUR, "short_s": 1}, {}, "parakeet", "method"),
    ({"method": "parakeet"}, {"engine": "deepgram"}, "parakeet", "wish_declined"),
    ({"method": "parakeet"}, {"engine": "parakeet"}, "parakeet", "method"),
    ({"method": "parakeet", "enable_gpu": False}, {}, "none", "gpu_disabled"),
    (
        {"method": "parakeet", "enable_gpu": False, "allow_cpu_parakeet": True},
        {},
        "parakeet_cpu",
        "gpu_disabled",
    ),
    ({"method": "parakeet"}, {"language": "de"}, "none", "language"),
    ({"method": "deepgram"}, {}, "deepgram", "method"),
    ({"method": "deepgram"}, {"engine": "parakeet"}, "deepgram", "wish_declined"),
    ({"method": "hybrid"}, {}, "hybrid", "method"),
    ({"method": "hybrid", "rollout_percent": 0}, {}, "hybrid", "method"),
    ({"method": "hybrid", "cost_optimization": True, "hybrid_split_s": 60}, {}, "hybrid", "method"),
    ({"method": "hybrid", "enable_gpu": False}, {}, "deepgram", "gpu_disabled"),
    ({"method": "hybrid"}, {"language": "de"}, "deepgram", "language"),
    ({"method": "hybrid", "allow_deepgram": False}, {}, "parakeet", "deepgram_not_allowed"),
    ({}, {"engine": "Deepgram"}, "deepgram", "wish"),
    ({"rollout_percent": 0}, {"engine": "parakeet"}, "parakeet", "wish"),
    ({"allow_deepgram": False}, {"engine": "deepgram"}, "parakeet", "wish_declined"),
    ({"enable_gpu": False}, {"engine": "parakeet"}, "none", "gpu_disabled"),
    ({}, {"engine": "whisper"}, "parakeet", "wish_unknown"),
    ({}, {"engine": "auto"}, "parakeet", "matrix_short"),
    ({}, {"language": "de"}, "deepgram", "language"),
    ({}, {"language": "en-US"}, "parakeet", "matrix_short"),
    ({"parakeet_languages": frozenset({"en", "de"})}, {"language": "DE_at"}, "parakeet", "matrix_short"),
    ({"allow_deepgram": False}, {"language": "fr"}, "none", "language"),
    ({"rollout_percent": 0}, {}, "deepgram", "rollout"),
    ({"rollout_percent": 0, "rollout_video_ids": frozenset({"1"})}, {}, "parakeet", "matrix_short"),
    ({"rollout_percent": 0, "allow_cpu_parakeet": True, "enable_gpu": False}, {}, "deepgram", "rollout"),
    ({"enable_gpu": False}, {}, "deepgram", "gpu_disabled"),
]


@pytest.mark.parametrize(("settings", "facts", "method", "code"), PRECEDENCE)
def test_what_comes_first_wins(
    settings: dict[str, Any], facts: dict[str, Any], method: str, code: str
) -> None:
    file, policy = a_file(**facts), replace(PLAIN, **settings)
    if method != "none":
        assert choose_route(file, READY, policy).method == method
        assert code in codes(file, READY, policy)
        return
    with pytest.raises(NoRoute) as refused:
        choose_route(file, READY, policy)
    assert refused.value.code == "no_route"
    assert not refused.value.retryable


def test_a_forced_engine_leaves_the_method_unsaid() -> None:
    assert codes(a_file(), READY, RoutingPolicy(force_deepgram=True, method="hybrid")) == ["forced"]


def test_without_a_key_deepgram_is_no_route() -> None:
    engines = EngineFacts(deepgram_available=False)
    assert choose_route(a_file(12), engines, RoutingPolicy()).method == "parakeet"
    with pytest.raises(NoRoute, match="no Deepgram key is set; Deepgram is forced"):
        choose_route(a_file(), engines, RoutingPolicy(force_deepgram=True))


def test_a_gpu_that_may_come_back_makes_the_file_wait_instead_of_failing_it() -> None:
    with pytest.raises(NoRouteNow, match="the GPU is not available") as refused:
        choose_route(a_file(), GONE, RoutingPolicy(method="parakeet"))
    assert refused.value.retryable


def test_a_route_is_taken_only_when_it_fits_the_time() -> None:
    policy = replace(PLAIN, max_turnaround_s=HOUR)
    assert choose_route(a_file(1), EngineFacts(queue_s=HOUR - 36), policy).method == "parakeet"
    route = choose_route(a_file(1), EngineFacts(queue_s=HOUR - 35), policy)
    assert route.method == "deepgram"
    assert "over_budget" in [reason.code for reason in route.reasons]


def test_start_up_counts_against_the_time_only_when_the_gpu_is_cold() -> None:
    policy = RoutingPolicy(allow_deepgram=False, max_turnaround_s=40)
    assert choose_route(a_file(1), READY, policy).predicted_s == 36
    with pytest.raises(NoRouteNow, match="96 s, more than MAX_TURNAROUND_S=40"):
        choose_route(a_file(1), EngineFacts(gpu="cold"), policy)


def test_a_long_file_goes_to_parakeet_when_that_is_cheaper_and_in_time() -> None:
    assert choose_route(a_file(5), READY, RoutingPolicy()).method == "parakeet"


def test_waking_a_cold_gpu_pays_from_about_46_minutes_on() -> None:
    cold = EngineFacts(gpu="cold")
    assert choose_route(a_file(45 / 60), cold, RoutingPolicy()).method == "deepgram"
    assert choose_route(a_file(48 / 60), cold, RoutingPolicy()).method == "parakeet"


def test_a_long_queue_is_dearer_than_deepgram_except_for_a_file_that_can_wait() -> None:
    busy = EngineFacts(queue_s=5000)
    assert choose_route(a_file(), busy, RoutingPolicy()).method == "deepgram"
    assert choose_route(a_file(priority="low"), busy, RoutingPolicy()).method == "parakeet"


def test_an_urgent_file_leaves_a_queue_that_a_normal_one_waits_in() -> None:
    busy = EngineFacts(queue_s=600)
    assert choose_route(a_file(), busy, RoutingPolicy()).method == "parakeet"
    assert choose_route(a_file(priority="high"), busy, RoutingPolicy()).method == "deepgram"


def test_hybrid_takes_as_long_as_its_slower_half_and_pays_for_both() -> None:
    file, policy = a_file(3.5), RoutingPolicy(hybrid_split_s=2.5 * HOUR)
    both = predict("hybrid", file, READY, policy)
    assert both.seconds == 2.5 * HOUR / 100
    expected = (
        predict("parakeet", a_file(2.5), READY, policy).usd
        + predict("deepgram", a_file(1), READY, policy).usd
    )
    assert both.usd == pytest.approx(expected)


def test_without_a_split_that_is_asked_for_both_engines_finish_together() -> None:
    busy = EngineFacts(queue_s=10)
    both = predict("hybrid", a_file(3), busy, RoutingPolicy())
    # 10 + h / 100 = (10800 - h) / 120 at h = 4363.6
    assert both.seconds == pytest.approx(10 + 4363.636 / 100, abs=0.01)
    alone = [predict(method, a_file(3), busy, RoutingPolicy()).seconds for method in ("parakeet", "deepgram")]
    assert both.seconds < min(alone)


@pytest.mark.parametrize(
    ("hours", "facts", "split_s", "method"),
    [
        (1 / 60, {}, None, "parakeet"),  # too short to be worth two engines
        (1, {"queue_s": 31}, None, "deepgram"),  # done there before the first window is heard
        (1, {}, HOUR, "parakeet"),
    ],
)
def test_hybrid_that_leaves_one_engine_only_costs_and_takes_what_this_one_does(
    hours: float, facts: dict[str, Any], split_s: float | None, method: Any
) -> None:
    engines, policy = EngineFacts(**facts), RoutingPolicy(hybrid_split_s=split_s)
    file = a_file(hours)
    assert predict("hybrid", file, engines, policy) == predict(method, file, engines, policy)


def test_a_cold_gpu_is_paid_for_its_start_and_its_idle_tail() -> None:
    rates = Rates()
    cold = predict("parakeet", a_file(1), EngineFacts(gpu="cold"), RoutingPolicy())
    assert cold.usd == pytest.approx((60 + 36 + 600) * rates.gpu_usd_per_s)


def test_the_rollout_bucket_of_a_video_never_changes() -> None:
    assert [rollout_bucket(video) for video in ("2434635255", "1")] == [64.51, 29.13]


def test_rollout_takes_the_share_it_names() -> None:
    policy = replace(PLAIN, rollout_percent=25)
    chosen = [choose_route(a_file(video_id=str(video)), READY, policy).method for video in range(2000)]
    assert chosen.count("parakeet") == pytest.approx(500, abs=60)


def test_a_wider_rollout_keeps_every_video_that_was_in() -> None:
    inside = {percent: {v for v in range(500) if rollout_bucket(str(v)) < percent} for percent in (10, 40)}
    assert inside[10] < inside[40]
