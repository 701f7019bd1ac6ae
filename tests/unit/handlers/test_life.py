import pytest

from core.errors import EngineLost
from handlers.bootstrap import engine_lost
from handlers.life import Life
from tests.log_lines import Lines


class Ends:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def test_a_process_that_is_well_never_ends_by_itself() -> None:
    ends = Ends()
    life = Life(ends)
    with life.request():
        pass
    assert (ends.count, life.reason) == (0, "")


def test_a_doomed_process_ends_once_its_last_request_is_done() -> None:
    ends = Ends()
    life = Life(ends)
    with life.request():
        with life.request():
            life.doom("engine lost")
            assert life.reason == "engine lost"
        assert ends.count == 0
    assert ends.count == 1


def test_a_doomed_process_without_requests_ends_at_once() -> None:
    ends = Ends()
    Life(ends).doom("engine lost")
    assert ends.count == 1


def test_a_process_ends_only_once_and_for_the_first_reason() -> None:
    ends = Ends()
    life = Life(ends)
    life.doom("first")
    life.doom("second")
    with life.request():
        pass
    assert (ends.count, life.reason) == (1, "first")


def test_a_request_that_fails_counts_as_done() -> None:
    ends = Ends()
    life = Life(ends)

    def fail() -> None:
        with life.request():
            life.doom("engine lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ends.count == 1


def test_a_lost_engine_ends_the_process_and_says_why(lines: Lines) -> None:
    ends = Ends()
    life = Life(ends)
    with life.request():
        engine_lost(life, EngineLost("an illegal memory access was encountered"))
        assert life.reason == "engine_lost: an illegal memory access was encountered"
        assert ends.count == 0
    assert ends.count == 1
    assert lines.one()["code"] == "engine_lost"
