"""Routes once the month's budget is spent."""

from dataclasses import replace

import pytest

from core.routing import EngineFacts, FileFacts, RoutingPolicy, at_ingest, choose_route

HOUR = 3600.0
SPENT = EngineFacts(budget_spent=True)
FILE = FileFacts("gs://b/1/audio_1.mp3", "1", 0.5 * HOUR)


def codes(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> list[str]:
    return [reason.code for reason in choose_route(file, engines, policy).reasons]


def test_waiting_counts_for_nothing_once_the_budget_is_spent() -> None:
    slow = EngineFacts(queue_s=3600.0)
    assert choose_route(FILE, slow, RoutingPolicy()).method == "deepgram"
    route = choose_route(FILE, replace(slow, budget_spent=True), RoutingPolicy())
    assert route.method == "parakeet"
    assert route.reasons[-1].code == "month_budget_spent"
    assert "deepgram 0.1350" in route.reasons[-1].sentence


def test_the_cheapest_route_is_taken_also_where_cost_is_not_asked_otherwise() -> None:
    policy = RoutingPolicy(cost_optimization=False)
    cold = replace(SPENT, gpu="cold")
    assert choose_route(FILE, replace(cold, budget_spent=False), policy).method == "parakeet"
    assert choose_route(FILE, cold, policy).method == "deepgram"


@pytest.mark.parametrize(
    "policy",
    [
        RoutingPolicy(method="deepgram"),
        RoutingPolicy(force_deepgram=True),
        RoutingPolicy(rollout_percent=0),
    ],
)
def test_what_is_set_is_dearer_than_any_budget(policy: RoutingPolicy) -> None:
    assert choose_route(FILE, SPENT, policy).method == "deepgram"
    assert "month_budget_spent" not in codes(FILE, SPENT, policy)


def test_the_cheapest_route_is_one_that_is_fast_enough() -> None:
    late = replace(SPENT, queue_s=100_000.0)
    assert choose_route(FILE, late, RoutingPolicy()).method == "deepgram"


def test_ingest_sends_nothing_past_a_gpu_that_would_be_cheaper() -> None:
    assert at_ingest(FILE, SPENT, RoutingPolicy()) is None
