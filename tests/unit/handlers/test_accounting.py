"""What the settings about money do."""

import pytest

from core.cost import gpu_cost
from core.routing import EngineFacts
from handlers.accounting import accounts_in, budget_in, note, parking_in, with_budget
from infra import settings
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.log_lines import Lines
from tests.unit.core.bookkeeping import BY_DEEPGRAM, attempt


def test_each_attempt_is_a_line_that_a_metric_can_be_made_of(lines: Lines) -> None:
    note(settings.load({}), attempt())
    line = lines.one()
    assert (line["severity"], line["metric"], line["ending"]) == ("INFO", "attempt", "completed")
    assert (line["service"], line["audio_s"], line["active_s"]) == ("parakeet", 3600.0, 36.0)
    assert line["cost_usd"] == pytest.approx(attempt().usd, abs=1e-8)


def test_lines_about_costs_can_be_turned_off_and_warnings_stay(lines: Lines) -> None:
    quiet = settings.load({"LOG_TRANSCRIPTION_COSTS": "false"})
    note(quiet, attempt())
    assert lines.read_all() == []
    note(quiet, attempt(BY_DEEPGRAM, is_dear=True))
    line = lines.one()
    assert (line["severity"], line["metric"], line["usd_per_hour"]) == ("WARNING", "dear_attempt", 0.27)
    assert "0.2700 USD per hour of audio, more than COST_THRESHOLD_PER_HOUR=0.1" in line["message"]


def test_the_rates_the_threshold_and_the_tail_are_settings() -> None:
    clock = FakeClock()
    chosen = {"GPU_USD_PER_SECOND": "0.5", "COST_THRESHOLD_PER_HOUR": "7", "IDLE_TAIL_S": "5"}
    tariff = accounts_in(settings.load(chosen), MemoryStore(clock), clock).tariff
    assert tariff.dear_usd_per_hour == 7
    assert tariff.prices.rates.idle_tail_s == 5
    assert gpu_cost(1, tariff.prices.rates) > 0.5


def test_an_instance_has_a_gpu_where_the_model_runs_on_one() -> None:
    clock = FakeClock()
    for device, has_gpu in (("cpu", False), ("cuda", True)):
        chosen = settings.load({"PARAKEET_DEVICE": device})
        assert accounts_in(chosen, MemoryStore(clock), clock).tariff.prices.has_gpu is has_gpu


@pytest.mark.parametrize(("over", "parks", "saves"), [("park", True, False), ("Cheapest", False, True)])
def test_over_budget_says_what_becomes_of_new_files(over: str, parks: bool, saves: bool) -> None:
    clock = FakeClock()
    chosen = {"MONTHLY_TRANSCRIPTION_BUDGET": "0", "OVER_BUDGET": over}
    budget = budget_in(settings.load(chosen), MemoryStore(clock), clock)
    assert (budget.parks(), budget.saves()) == (parks, saves)
    assert with_budget(EngineFacts(), budget).budget_spent is saves


def test_the_budget_is_held_against_what_is_in_the_books() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    chosen = settings.load({"MONTHLY_TRANSCRIPTION_BUDGET": "0.001"})
    assert not budget_in(chosen, store, clock).parks()
    accounts_in(chosen, store, clock).enter(attempt(claimed=clock.now()))
    assert budget_in(chosen, store, clock).parks()


def test_files_are_parked_in_the_state_bucket() -> None:
    clock = FakeClock()
    chosen = settings.load({"STATE_BUCKET": "elsewhere"})
    assert parking_in(chosen, MemoryStore(clock), clock).state_bucket == "elsewhere"
