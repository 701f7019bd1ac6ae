from datetime import UTC, datetime

import pytest

from infra.retry import retry_after_s, retrying
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Passing(Exception):
    def __init__(self, retry_after_s: float | None = None) -> None:
        super().__init__("busy")
        self.retry_after_s = retry_after_s


class Work:
    """Fails a number of times, each of them taking a while, then returns."""

    def __init__(self, clock: FakeClock, failures: list[Exception], takes_s: float = 0.0) -> None:
        self.clock, self.failures, self.takes_s, self.calls = clock, failures, takes_s, 0

    def __call__(self) -> str:
        self.calls += 1
        self.clock.advance(self.takes_s)
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def test_waits_grow_twofold_with_a_little_chance_and_stop_at_the_cap() -> None:
    clock = FakeClock()
    work = Work(clock, [Passing() for _ in range(5)])

    assert retrying(clock, 6, on=Passing, first_s=1.0, cap_s=6.0)(work) == "done"
    for slept_s, least_s in zip(clock.slept, [1.0, 2.0, 4.0, 6.0, 6.0], strict=True):
        assert least_s <= slept_s <= min(least_s + 1.0, 6.0)


def test_the_last_failure_comes_out_as_it_is() -> None:
    clock = FakeClock()
    failures: list[Exception] = [Passing(), Passing(), Passing()]
    last = failures[2]

    with pytest.raises(Passing) as failed:
        retrying(clock, 3, on=Passing)(Work(clock, failures))
    assert failed.value is last
    assert len(clock.slept) == 2


def test_a_failure_of_another_kind_leaves_at_once() -> None:
    clock = FakeClock()

    with pytest.raises(KeyError):
        retrying(clock, 5, on=Passing)(Work(clock, [KeyError("x")]))
    assert clock.slept == []


def test_a_failure_may_ask_for_a_longer_wait_but_not_for_a_shorter_one() -> None:
    clock = FakeClock()

    retrying(clock, 4, on=Passing, cap_s=30.0)(Work(clock, [Passing(12.0), Passing(0.0), Passing(900.0)]))
    assert clock.slept[0] == 12.0
    assert clock.slept[1] >= 2.0
    assert clock.slept[2] == 30.0


def test_no_try_begins_that_could_end_after_the_budget() -> None:
    clock = FakeClock()
    work = Work(clock, [Passing(5.0) for _ in range(9)], takes_s=20.0)

    with pytest.raises(Passing):
        retrying(clock, 9, on=Passing, budget_s=100.0, try_s=40.0)(work)
    # tries begin at 0 s, 25 s and 50 s; one at 75 s could last until 115 s
    assert work.calls == 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Mon, 23 Nov 2026 12:01:30 GMT", 90.0),
        ("Mon, 23 Nov 2026 12:01:30 -0000", 90.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("-3", None),
        ("soon", None),
        ("²", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds
