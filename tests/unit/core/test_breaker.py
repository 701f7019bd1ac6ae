from hypothesis import given
from hypothesis import strategies as st

from core.breaker import FAILURES, LONGEST_REST_S, REST_S, Breaker, Status
from tests.fakes.clock import FakeClock


def fail(breaker: Breaker, *files: str) -> None:
    for file in files:
        call = breaker.admit()
        assert call is not None
        breaker.failed(call, file, "engine_failed")


def opened(clock: FakeClock) -> Breaker:
    breaker = Breaker(clock)
    fail(breaker, "a", "b", "c")
    return breaker


def test_it_opens_when_three_files_in_a_row_fail() -> None:
    breaker = Breaker(FakeClock())
    fail(breaker, "a", "b")
    assert breaker.status == Status("closed", 2, 0.0, "engine_failed")
    fail(breaker, "c")
    assert breaker.status == Status("open", 3, REST_S, "engine_failed", admits=False)
    assert breaker.admit() is None


def test_a_file_that_fails_again_and_again_counts_once() -> None:
    breaker = Breaker(FakeClock())
    fail(breaker, *["poison"] * 10)
    assert (breaker.status.state, breaker.status.failures) == ("closed", 1)


def test_a_file_that_is_heard_ends_the_row() -> None:
    breaker = Breaker(FakeClock())
    fail(breaker, "a", "b")
    breaker.heard()
    fail(breaker, "c", "d")
    assert breaker.status.state == "closed"


def test_it_half_opens_by_time_and_lets_one_file_try() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(REST_S - 0.1)
    assert breaker.admit() is None
    clock.advance(0.1)
    assert (breaker.status.state, breaker.status.admits) == ("half_open", True)
    assert breaker.admit() is not None
    assert (breaker.status.state, breaker.status.admits) == ("half_open", False)
    assert breaker.admit() is None


def test_a_trial_that_goes_well_closes_it() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(REST_S)
    breaker.admit()
    breaker.heard()
    assert (breaker.status.state, breaker.status.failures) == ("closed", 0)
    fail(breaker, "a", "b")
    assert breaker.status.state == "closed"


def test_each_trial_that_fails_doubles_the_rest_up_to_a_bound_and_a_good_one_resets_it() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    rests = []
    for _ in range(7):
        rests.append(breaker.status.retry_in_s)
        clock.advance(rests[-1])
        fail(breaker, "again")
    assert rests == [30, 60, 120, 240, 480, LONGEST_REST_S, LONGEST_REST_S]
    clock.advance(LONGEST_REST_S)
    breaker.heard()
    fail(breaker, "a", "b", "c")
    assert breaker.status.retry_in_s == REST_S


def test_what_was_asked_before_it_opened_does_not_lengthen_the_rest() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    late = breaker.admit()
    fail(breaker, "a", "b", "c")
    clock.advance(REST_S)
    trial = breaker.admit()
    assert late is not None
    assert trial is not None
    breaker.failed(late, "late", "engine_failed")
    assert breaker.status.state == "half_open"
    breaker.failed(trial, "trial", "engine_lost")
    assert (breaker.status.state, breaker.status.retry_in_s) == ("open", 2 * REST_S)
    assert breaker.status.code == "engine_lost"


def test_what_was_asked_before_and_is_heard_all_the_same_closes_it() -> None:
    breaker = opened(FakeClock())
    breaker.heard()
    assert breaker.admit() is not None


def test_a_trial_without_a_verdict_leaves_the_next_file_to_try() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(REST_S)
    trial = breaker.admit()
    assert trial is not None
    breaker.unproven(trial)
    assert breaker.admit() is not None


def test_a_trial_that_never_ends_is_followed_by_another() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(REST_S)
    breaker.admit()
    clock.advance(LONGEST_REST_S)
    assert breaker.admit() is not None


def test_changes_are_told_once_each() -> None:
    clock, told = FakeClock(), list[str]()
    breaker = Breaker(clock, on_change=lambda status: told.append(status.state))
    fail(breaker, "a", "b", "c")
    clock.advance(REST_S)
    fail(breaker, "d")
    clock.advance(2 * REST_S)
    breaker.heard()
    breaker.heard()
    assert told == ["open", "open", "closed"]


@given(st.lists(st.sampled_from(["ask", "heard", "failed", "unproven", "wait"]), max_size=60))
def test_never_more_than_one_file_tries_a_resting_engine(acts: list[str]) -> None:
    clock = FakeClock()
    breaker, calls, failed_files = Breaker(clock), list[int](), 0
    for number, act in enumerate(acts):
        before = breaker.status
        if act == "wait":
            clock.advance(20)
        elif act == "ask":
            call = breaker.admit()
            assert (call is not None) == before.admits
            calls += [] if call is None else [call]
            assert breaker.status.state == before.state
            assert before.state == "closed" or not breaker.status.admits
        elif calls and act == "heard":
            calls.pop(0)
            breaker.heard()
            failed_files = 0
            assert breaker.status.admits
        elif calls and act == "failed":
            breaker.failed(calls.pop(0), str(number), "engine_failed")
            failed_files += 1
        elif calls:
            breaker.unproven(calls.pop(0))
        assert failed_files >= FAILURES or breaker.status.state == "closed"
