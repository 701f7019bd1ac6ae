from contextlib import ExitStack

import pytest

from core.errors import Retryable
from infra.places import POLL_S, Places
from tests.fakes.clock import FakeClock


class Freeing(FakeClock):
    """A clock during whose first sleep somebody gives a place back."""

    def __init__(self, others: ExitStack) -> None:
        super().__init__()
        self.others = others

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.others.close()


def test_as_many_places_are_given_out_as_there_are() -> None:
    clock = FakeClock()
    places = Places(2, clock, "seats")

    with ExitStack() as taken:
        taken.enter_context(places.one(0))
        taken.enter_context(places.one(0))
        with pytest.raises(Retryable, match="all 2 places for seats") as failed:
            taken.enter_context(places.one(0))
    assert (failed.value.code, clock.slept) == ("quota_exceeded", [])


def test_who_finds_none_waits_for_one_and_no_longer_than_allowed() -> None:
    clock = FakeClock()
    places = Places(1, clock, "seats")

    with places.one(0), pytest.raises(Retryable), places.one(3 * POLL_S):
        pass
    assert clock.slept == [POLL_S] * 3


def test_a_place_that_becomes_free_is_taken() -> None:
    with ExitStack() as others:
        clock = Freeing(others)
        places = Places(1, clock, "seats")
        others.enter_context(places.one(0))

        with places.one(10):
            assert clock.slept == [POLL_S]


def test_a_place_is_given_back_after_a_failure() -> None:
    places = Places(1, FakeClock(), "seats")

    with pytest.raises(KeyError), places.one(0):
        raise KeyError
    with places.one(0):
        pass
