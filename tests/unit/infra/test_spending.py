from datetime import UTC, datetime, timedelta

import pytest

from infra.books import ObjectBooks
from infra.local.memory import MemoryStore
from infra.spending import Spending
from tests.fakes.clock import FakeClock
from tests.fakes.process import Process
from tests.unit.core.bookkeeping import attempt

BUCKET = "state"
ONE_USD = attempt().usd


class Rig:
    """Books of a November, and what it takes to sum them."""

    def __init__(self, day: int = 10) -> None:
        self.clock = FakeClock(datetime(2026, 11, day, 12, tzinfo=UTC))
        self.store = MemoryStore(self.clock)
        self.entered = 0

    def enter(self, *, days_ago: int = 0) -> None:
        self.entered += 1
        claimed = self.clock.now() - timedelta(days=days_ago)
        ObjectBooks(self.store, BUCKET).record(attempt(claimed=claimed, fence=self.entered))

    def spending(self, process: Process | None = None) -> Spending:
        return Spending((process or Process()).store(self.store), BUCKET, self.clock)


def test_a_month_without_attempts_has_cost_nothing() -> None:
    assert Rig(1).spending().month_usd() == 0


def test_all_days_of_the_running_month_are_summed_and_no_other() -> None:
    rig = Rig()
    for days_ago in (0, 1, 2, 5, 9, 10, 40):
        rig.enter(days_ago=days_ago)
    assert rig.spending().month_usd() == pytest.approx(5 * ONE_USD)


def test_the_sum_is_asked_for_at_most_once_a_minute() -> None:
    rig, process = Rig(), Process()
    spending = rig.spending(process)
    spending.month_usd()
    calls = process.calls
    rig.enter()
    rig.clock.advance(59)
    assert spending.month_usd() == 0
    assert process.calls == calls
    rig.clock.advance(1)
    assert spending.month_usd() == pytest.approx(ONE_USD)


def test_days_that_are_over_are_summed_once_for_all_instances() -> None:
    rig = Rig(30)
    rig.enter(days_ago=20)
    first, second = Process(), Process()
    assert rig.spending(first).month_usd() == pytest.approx(ONE_USD)
    rig.enter(days_ago=1)
    assert rig.spending(second).month_usd() == pytest.approx(2 * ONE_USD)
    # One reading of what is kept, and a listing each of today and yesterday.
    assert (first.calls, second.calls) == (32, 3)


def test_what_is_entered_late_for_a_day_that_is_over_is_not_in_the_sum() -> None:
    rig = Rig()
    rig.spending().month_usd()
    rig.enter(days_ago=2)
    assert rig.spending().month_usd() == 0
    rig.enter(days_ago=1)
    assert rig.spending().month_usd() == pytest.approx(ONE_USD)


def test_a_new_month_begins_at_zero_without_waiting_for_the_minute() -> None:
    rig = Rig(30)
    rig.clock.advance(11 * 3600 + 59 * 60 + 50)
    rig.enter()
    spending = rig.spending()
    assert spending.month_usd() == pytest.approx(ONE_USD)
    rig.clock.advance(20)
    assert spending.month_usd() == 0


def test_each_day_is_settled_as_the_month_goes_on() -> None:
    rig = Rig(1)
    spending = rig.spending()
    for day in range(1, 29):
        rig.enter()
        assert spending.month_usd() == pytest.approx(day * ONE_USD)
        rig.clock.advance(24 * 3600)
