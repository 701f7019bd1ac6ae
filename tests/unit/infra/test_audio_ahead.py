import threading
from collections.abc import Generator

import pytest

from infra.audio_ahead import ahead


class Counted:
    """Counts to a number, and remembers how far it came and whether it was closed."""

    def __init__(self, upto: int, failure: Exception | None = None) -> None:
        self.made = 0
        self.closed = False
        self._upto, self._failure = upto, failure

    def items(self) -> Generator[int]:
        try:
            for number in range(self._upto):
                self.made += 1
                yield number
            if self._failure is not None:
                raise self._failure
        finally:
            self.closed = True


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "decoding ahead"]


def test_the_same_items_come_in_the_same_order_from_another_thread() -> None:
    def names() -> Generator[str]:
        for _ in range(3):
            yield threading.current_thread().name

    assert list(ahead(Counted(1000).items(), 3)) == list(range(1000))
    assert list(ahead(names(), 3)) == ["decoding ahead"] * 3
    assert threads() == []


def test_no_more_than_the_depth_is_made_ahead() -> None:
    counted = Counted(500)
    for taken, _ in enumerate(ahead(counted.items(), 3), start=1):
        assert counted.made - taken <= 4


def test_nothing_runs_before_the_first_item_is_asked_for() -> None:
    counted = Counted(5)
    ahead(counted.items(), 3)
    assert (counted.made, threads()) == (0, [])


def test_an_error_comes_out_as_itself_behind_the_items_before_it() -> None:
    failure = LookupError("gone")
    counted = Counted(20, failure)
    items = ahead(counted.items(), 3)
    assert [next(items) for _ in range(20)] == list(range(20))
    with pytest.raises(LookupError) as caught:
        next(items)
    assert caught.value is failure
    assert (threads(), counted.closed) == ([], True)


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("taken", [1, 2, 10])
def test_leaving_early_ends_the_thread_and_closes_what_it_ran(taken: int, depth: int) -> None:
    counted = Counted(100_000)
    items = ahead(counted.items(), depth)
    for _ in range(taken):
        next(items)
    items.close()
    assert (threads(), counted.closed) == ([], True)
    assert counted.made <= taken + depth + 2
