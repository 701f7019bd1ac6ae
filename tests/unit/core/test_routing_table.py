"""The decision matrix row by row, what cost may choose in each, and how decisions are explained."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from core.cost import Rates
from core.decision import decision_table
from core.errors import NoRoute, NoRouteNow
from core.routing import EngineFacts, FileFacts, RoutingPolicy, choose_route
from core.routing_rules import METHODS, steps
from tests.unit.core.test_routing import GONE, READY, a_file
from tests.unit.core.test_routing_laws import facts, files, policies

ABOVE, BELOW = 1e-6, -1e-6
COLD = EngineFacts(gpu="cold")
CPU = {"allow_cpu_parakeet": True}

ROWS: list[tuple[float, EngineFacts, dict[str, Any], str, tuple[str, ...]]] = [
    (1 / 3600, READY, {}, "matrix_short", ("parakeet", "deepgram")),
    (2 + BELOW, READY, {}, "matrix_short", ("parakeet", "deepgram")),
    (2, READY, {}, "matrix_medium", ("hybrid", "parakeet", "deepgram")),
    (4 + BELOW, READY, {}, "matrix_medium", ("hybrid", "parakeet", "deepgram")),
    (4, READY, {}, "matrix_long", ("deepgram", "parakeet")),
    (12, READY, {}, "matrix_long", ("deepgram", "parakeet")),
    (2 + BELOW, COLD, {}, "matrix_short", ("parakeet", "deepgram")),
    (4, COLD, {}, "matrix_long", ("deepgram", "parakeet")),
    (0.1, GONE, {}, "matrix_no_gpu_short", ("deepgram",)),
    (12, GONE, {}, "matrix_no_gpu", ("deepgram",)),
    (0.5 + BELOW, GONE, CPU, "matrix_no_gpu_short", ("parakeet_cpu", "deepgram")),
    (0.5, GONE, CPU, "matrix_no_gpu", ("deepgram", "parakeet_cpu")),
    (12, GONE, CPU, "matrix_no_gpu", ("deepgram", "parakeet_cpu")),
    (0.1, READY, {**CPU, "enable_gpu": False}, "matrix_no_gpu_short", ("parakeet_cpu", "deepgram")),
    (0.4, GONE, {**CPU, "short_s": 1200.0}, "matrix_no_gpu", ("deepgram", "parakeet_cpu")),
    (0.3, GONE, {**CPU, "short_s": 1200.0}, "matrix_no_gpu_short", ("parakeet_cpu", "deepgram")),
    (1, READY, {"short_s": 3600.0}, "matrix_medium", ("hybrid", "parakeet", "deepgram")),
    (3, READY, {"long_s": 10_800.0}, "matrix_long", ("deepgram", "parakeet")),
    (3, READY, {"allow_deepgram": False}, "matrix_medium", ("parakeet",)),
    (12, READY, {"allow_deepgram": False}, "matrix_long", ("parakeet",)),
]


@pytest.mark.parametrize(("hours", "engines", "settings", "row", "methods"), ROWS)
def test_each_row_of_the_matrix_allows_what_it_says_in_its_order(
    hours: float, engines: EngineFacts, settings: dict[str, Any], row: str, methods: tuple[str, ...]
) -> None:
    left = {
        rule.__name__: options for rule, options in steps(a_file(hours), engines, RoutingPolicy(**settings))
    }["_matrix"]
    assert left.methods == methods
    assert left.reasons[-1].code == row
    assert left.reasons[-1].sentence.endswith(f"allowed: {', '.join(methods)}")


FREE_GPU = Rates(l4_usd_per_s=0, vcpu_usd_per_s=0, gib_usd_per_s=0)
FREE_DEEPGRAM = Rates(deepgram_usd_per_minute={"nova-3": 0.0})
CHEAPEST: list[tuple[float, EngineFacts, Rates, str]] = [
    (1, READY, FREE_GPU, "parakeet"),
    (1, READY, FREE_DEEPGRAM, "deepgram"),
    (1, COLD, FREE_DEEPGRAM, "deepgram"),
    (3, READY, FREE_DEEPGRAM, "deepgram"),
    (5, READY, FREE_GPU, "parakeet"),
    (5, READY, FREE_DEEPGRAM, "deepgram"),
    (0.1, GONE, FREE_GPU, "parakeet_cpu"),
    (0.1, GONE, FREE_DEEPGRAM, "deepgram"),
]


@pytest.mark.parametrize(("hours", "engines", "rates", "method"), CHEAPEST)
def test_cost_chooses_among_what_the_row_allows(
    hours: float, engines: EngineFacts, rates: Rates, method: str
) -> None:
    policy = RoutingPolicy(rates=rates, allow_cpu_parakeet=True, waiting_usd_per_minute=0)
    found = choose_route(a_file(hours), engines, policy)
    assert found.method == method
    assert found.reasons[-1].code == "cheapest"


def test_what_waiting_is_worth_is_a_setting() -> None:
    slow = EngineFacts(parakeet_rtfx=10)
    for usd, method in ((0.01, "parakeet"), (0.05, "deepgram")):
        policy = RoutingPolicy(waiting_usd_per_minute=usd)
        assert choose_route(a_file(), slow, policy).method == method


def test_of_equal_costs_the_matrix_decides() -> None:
    same = RoutingPolicy(
        rates=replace(FREE_GPU, deepgram_usd_per_minute={"nova-3": 0.0}), waiting_usd_per_minute=0
    )
    assert choose_route(a_file(1), READY, same).method == "parakeet"
    assert choose_route(a_file(5), READY, same).method == "deepgram"


@pytest.mark.parametrize("settings", [{}, {"cost_optimization": False}])
def test_a_long_file_is_left_to_parakeet_only_when_that_fits_the_time(settings: dict[str, Any]) -> None:
    policy = RoutingPolicy(max_turnaround_s=600, **settings)
    slow, unheard = EngineFacts(parakeet_rtfx=29), EngineFacts(parakeet_rtfx=29, deepgram_rtfx=29)
    assert choose_route(a_file(5), slow, policy).method == "deepgram"
    with pytest.raises(NoRouteNow, match="more than MAX_TURNAROUND_S=600"):
        choose_route(a_file(5), unheard, policy)


@pytest.mark.parametrize("rtfx", [float("nan"), 1e-12])
def test_a_speed_that_makes_no_sense_never_fits_the_time(rtfx: float) -> None:
    policy = RoutingPolicy(allow_deepgram=False)
    with pytest.raises(NoRouteNow):
        choose_route(a_file(), EngineFacts(parakeet_rtfx=rtfx), policy)


def test_the_table_names_the_rule_that_took_each_method_away() -> None:
    policy = RoutingPolicy(max_turnaround_s=100, method="auto")
    taken = {row.method: (row.place, row.rule) for row in decision_table(a_file(5), READY, policy)}
    assert taken["deepgram"] == (0, "budget")
    assert taken["parakeet"] == (0, "budget")
    assert taken["parakeet_cpu"] == (0, "gpu")
    assert taken["hybrid"] == (0, "matrix")


def test_the_table_gives_the_reason_that_speaks_of_the_method() -> None:
    policy = RoutingPolicy(max_turnaround_s=100)
    rows = {row.method: row.reason for row in decision_table(a_file(5), READY, policy)}
    for method in ("deepgram", "parakeet"):
        reason = rows[method]
        assert reason is not None
        assert reason.sentence.startswith(f"{method} would take ")


def test_a_row_of_the_table_is_plain_json() -> None:
    first, *_, last = (row.to_json() for row in decision_table(a_file(1), READY, RoutingPolicy()))
    assert (first["method"], first["place"], first["reason"]) == ("parakeet", 1, None)
    assert (last["place"], last["reason"]["code"]) == (0, "cheapest")
    assert first["score_usd"] == pytest.approx(first["predicted_cost_usd"] + 0.01 * 36 / 60)


@given(files, facts, policies)
def test_the_table_and_the_decision_always_agree(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy
) -> None:
    table = decision_table(file, engines, policy)
    assert sorted(row.method for row in table) == sorted(METHODS)
    assert all((row.place == 0) == bool(row.rule) == (row.reason is not None) for row in table)
    try:
        route = choose_route(file, engines, policy)
    except (NoRoute, NoRouteNow):
        assert not any(row.place for row in table)
        return
    assert table[0].method == route.method
    assert (table[0].prediction.seconds, table[0].place) == (route.predicted_s, 1)
