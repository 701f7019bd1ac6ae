from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest

from handlers.once import once


def test_threads_that_ask_at_once_get_the_same_thing() -> None:
    together, two_inside, made = Barrier(8), Barrier(2), []

    @once
    def engine() -> object:
        made.append(1)
        with suppress(BrokenBarrierError):
            two_inside.wait(0.1)  # passes at once when a second thread makes one too
        return object()

    def ask() -> object:
        together.wait()
        return engine()

    with ThreadPoolExecutor(8) as threads:
        engines = [future.result() for future in [threads.submit(ask) for _ in range(8)]]
    assert len(made) == 1
    assert len(set(engines)) == 1


def test_what_could_not_be_made_is_tried_again() -> None:
    tries = []

    @once
    def engine() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return 7

    with pytest.raises(OSError, match="not yet"):
        engine()
    assert (engine(), engine(), len(tries)) == (7, 7, 2)


def test_a_part_may_be_made_of_another() -> None:
    @once
    def world() -> list[str]:
        return ["store"]

    @once
    def engine() -> list[str]:
        return [*world(), "engine"]

    assert engine() == ["store", "engine"]
