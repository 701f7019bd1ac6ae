"""Routing on what engines say of themselves: a GPU that rests, and what ingest learns of it."""

from typing import Any

import pytest

from core.errors import NoRoute, NoRouteNow
from core.routing import EngineFacts, RoutingPolicy, at_best, at_fallback, at_ingest, choose_route
from tests.unit.core.test_routing import PLAIN, READY, a_file, codes

RESTS = EngineFacts(gpu="unavailable", gpu_breaker="open")
COLD = EngineFacts(gpu="cold")
BUSY = EngineFacts(queue_s=5000)


def test_a_gpu_that_rests_sends_files_to_deepgram_and_says_why() -> None:
    route = choose_route(a_file(), RESTS, RoutingPolicy())
    assert route.method == "deepgram"
    assert route.reasons[0].code == "gpu_breaker_open"
    assert "it failed at several files and rests" in route.reasons[0].sentence


def test_a_gpu_that_rests_while_a_file_tries_it_is_as_unavailable() -> None:
    tried = EngineFacts(gpu="unavailable", gpu_breaker="half_open")
    assert codes(a_file(), tried, RoutingPolicy())[0] == "gpu_breaker_open"


def test_an_absent_gpu_is_not_called_broken() -> None:
    assert codes(a_file(), EngineFacts(gpu="unavailable"), RoutingPolicy())[0] == "gpu_unavailable"


def test_a_gpu_that_rests_leaves_short_files_to_the_cpu_where_that_is_allowed() -> None:
    policy = RoutingPolicy(allow_cpu_parakeet=True, allow_deepgram=False)
    assert choose_route(a_file(0.4), RESTS, policy).method == "parakeet_cpu"


FALLBACK_OFF: list[tuple[dict[str, Any], float, str]] = [
    ({}, 1, "waits"),
    ({"method": "hybrid"}, 3, "waits"),
    ({"cost_optimization": False}, 3, "waits"),
    ({"cost_optimization": False}, 4, "deepgram"),
    ({"method": "deepgram"}, 1, "deepgram"),
    ({"force_deepgram": True}, 1, "deepgram"),
    ({"rollout_percent": 0}, 1, "deepgram"),
    ({"enable_gpu": False}, 1, "deepgram"),
    ({"allow_cpu_parakeet": True}, 0.2, "parakeet_cpu"),
]


@pytest.mark.parametrize(("settings", "hours", "expected"), FALLBACK_OFF)
def test_without_fallback_a_failed_gpu_sends_nothing_to_deepgram_that_it_would_have_heard(
    settings: dict[str, Any], hours: float, expected: str
) -> None:
    policy = RoutingPolicy(enable_fallback=False, **settings)
    if expected != "waits":
        assert choose_route(a_file(hours), RESTS, policy).method == expected
        return
    with pytest.raises(NoRouteNow, match="ENABLE_FALLBACK=false"):
        choose_route(a_file(hours), RESTS, policy)


def test_without_fallback_an_absent_gpu_is_a_row_of_the_matrix_and_no_failure() -> None:
    policy = RoutingPolicy(enable_fallback=False)
    assert choose_route(a_file(), EngineFacts(gpu="unavailable"), policy).method == "deepgram"


INGEST: list[tuple[dict[str, Any], EngineFacts, float, bool]] = [
    ({}, COLD, 45, True),
    ({}, COLD, 48, False),
    ({}, READY, 1, False),
    ({}, READY, 600, False),
    ({}, BUSY, 60, True),
    ({}, RESTS, 60, True),
    ({"cost_optimization": False}, COLD, 1, False),
    ({"cost_optimization": False}, BUSY, 60, False),
    ({"cost_optimization": False}, RESTS, 60, True),
    ({"allow_deepgram": False}, COLD, 1, False),
    ({"allow_deepgram": False}, RESTS, 60, False),
    ({"method": "parakeet"}, COLD, 1, False),
    ({"method": "parakeet"}, RESTS, 60, False),
    ({"enable_fallback": False}, COLD, 45, True),
    ({"enable_fallback": False}, RESTS, 60, False),
    ({"max_turnaround_s": 4000.0, "cost_optimization": False}, BUSY, 60, True),
    ({"max_turnaround_s": 60.0, "allow_deepgram": False}, COLD, 45, False),
]


@pytest.mark.parametrize(("settings", "engines", "minutes", "straight"), INGEST)
def test_ingest_wakes_a_gpu_only_where_that_pays(
    settings: dict[str, Any], engines: EngineFacts, minutes: float, straight: bool
) -> None:
    found = at_ingest(a_file(minutes / 60), engines, RoutingPolicy(**settings))
    assert (found is not None) == straight


def test_a_file_that_asks_for_parakeet_wakes_a_cold_gpu() -> None:
    assert at_ingest(a_file(0.01, engine="parakeet"), COLD, RoutingPolicy()) is None
    assert at_ingest(a_file(0.01), COLD, RoutingPolicy()) is not None


def test_a_file_that_can_wait_does_so_only_when_that_is_cheaper_too() -> None:
    assert at_ingest(a_file(0.5, priority="low"), COLD, RoutingPolicy()) is not None
    assert at_ingest(a_file(1, priority="low"), BUSY, RoutingPolicy()) is None


def test_a_faster_gpu_makes_no_difference_to_who_pays_for_its_start() -> None:
    fast = EngineFacts(gpu="cold", parakeet_rtfx=2000)
    assert at_ingest(a_file(0.7), fast, RoutingPolicy()) is not None


def test_the_reasons_of_ingest_name_the_prices() -> None:
    found = at_ingest(a_file(0.5), COLD, RoutingPolicy())
    assert found is not None
    assert found.reasons[-1].code == "cheapest"
    assert "parakeet 0.2101, deepgram 0.1375" in found.reasons[-1].sentence


def test_ingest_refuses_what_no_gpu_could_help_however_it_is() -> None:
    for engines in (READY, COLD, RESTS, at_best(COLD)):
        with pytest.raises(NoRoute):
            at_ingest(a_file(), engines, RoutingPolicy(enable_gpu=False, allow_deepgram=False))


def test_where_nothing_is_known_of_the_gpu_it_is_taken_for_the_best() -> None:
    best = at_best(RESTS)
    assert (best.gpu, best.gpu_breaker, best.queue_s) == ("ready", "closed", 0.0)
    assert at_ingest(a_file(0.01), best, RoutingPolicy()) is None


def test_the_fallback_says_that_it_is_one_and_not_that_somebody_forced_it() -> None:
    route = at_fallback(a_file(), READY, PLAIN)
    assert [reason.code for reason in route.reasons] == ["fallback"]
    forced = at_fallback(a_file(), READY, RoutingPolicy(force_deepgram=True))
    assert [reason.code for reason in forced.reasons] == ["forced"]
