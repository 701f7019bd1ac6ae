import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from threading import Event, get_ident

import pytest

from handlers.flights import Flights

WAIT_S = 10.0


class Gate:
    """Work that begins, waits to be let go, and notes whether anybody still waited."""

    def __init__(self) -> None:
        self.begun, self.go, self.ended = Event(), Event(), Event()
        self.runs = 0
        self.was_abandoned = False

    def __call__(self, abandoned: Event) -> str:
        self.runs += 1
        self.begun.set()
        assert self.go.wait(WAIT_S)
        self.was_abandoned = abandoned.is_set()
        self.ended.set()
        return "done"


def run(scenario: "Callable[[Flights[str]], object]", threads: int = 2) -> None:
    with ThreadPoolExecutor(threads) as pool:
        flights: Flights[str] = Flights(lambda: pool)
        asyncio.run(scenario(flights))  # type: ignore[arg-type] # coroutine functions
        assert flights._open == {}


async def until(event: Event) -> None:
    async with asyncio.timeout(WAIT_S):
        while not event.is_set():
            await asyncio.sleep(0.001)


def test_work_runs_in_another_thread_and_its_result_comes_back() -> None:
    async def scenario(flights: Flights[str]) -> None:
        assert await flights.result("a", lambda _: str(get_ident())) != str(get_ident())

    run(scenario)


def test_what_work_raises_is_raised_to_who_waits() -> None:
    def broken(_: Event) -> str:
        raise ZeroDivisionError

    async def scenario(flights: Flights[str]) -> None:
        with pytest.raises(ZeroDivisionError):
            await flights.result("a", broken)

    run(scenario)


def test_two_that_ask_for_the_same_at_once_share_one_run() -> None:
    gate = Gate()

    async def scenario(flights: Flights[str]) -> None:
        both = [asyncio.create_task(flights.result("a", gate)) for _ in range(2)]
        await until(gate.begun)
        gate.go.set()
        assert await asyncio.gather(*both) == ["done", "done"]

    run(scenario)
    assert gate.runs == 1


def test_who_asks_after_the_end_gets_a_run_of_its_own() -> None:
    gate = Gate()
    gate.go.set()

    async def scenario(flights: Flights[str]) -> None:
        await flights.result("a", gate)
        await flights.result("a", gate)

    run(scenario)
    assert gate.runs == 2


def test_a_caller_that_is_cancelled_leaves_at_once_and_tells_the_work() -> None:
    gate = Gate()

    async def scenario(flights: Flights[str]) -> None:
        task = asyncio.create_task(flights.result("a", gate))
        await until(gate.begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not gate.ended.is_set()
        gate.go.set()
        await until(gate.ended)

    run(scenario)
    assert gate.was_abandoned


def test_one_of_two_that_leaves_does_not_end_the_work_of_the_other() -> None:
    gate = Gate()

    async def scenario(flights: Flights[str]) -> None:
        leaver, stayer = (asyncio.create_task(flights.result("a", gate)) for _ in range(2))
        await until(gate.begun)
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        gate.go.set()
        assert await stayer == "done"

    run(scenario)
    assert not gate.was_abandoned


def test_who_asks_after_the_last_one_left_gets_a_run_of_its_own() -> None:
    first, second = Gate(), Gate()
    second.go.set()

    async def scenario(flights: Flights[str]) -> None:
        task = asyncio.create_task(flights.result("a", first))
        await until(first.begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await flights.result("a", second) == "done"
        first.go.set()

    run(scenario)
    assert (first.was_abandoned, second.runs) == (True, 1)


def test_work_that_still_waits_for_a_thread_is_dropped_when_nobody_waits_for_it() -> None:
    busy, dropped = Gate(), Gate()

    async def scenario(flights: Flights[str]) -> None:
        first = asyncio.create_task(flights.result("a", busy))
        await until(busy.begun)
        second = asyncio.create_task(flights.result("b", dropped))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        busy.go.set()
        assert await first == "done"

    run(scenario, threads=1)
    assert dropped.runs == 0


def test_a_loop_that_is_closed_meanwhile_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()

    async def leaving(flights: Flights[str]) -> None:
        asyncio.ensure_future(flights.result("a", gate))  # noqa: RUF006 - asyncio.run cancels it
        await until(gate.begun)

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(leaving(Flights(lambda: pool)))
        gate.go.set()
    assert (gate.was_abandoned, caplog.records) == (True, [])


def test_the_context_of_the_caller_is_there_in_the_thread() -> None:
    place: ContextVar[str] = ContextVar("place", default="nowhere")

    async def scenario(flights: Flights[str]) -> None:
        place.set("here")
        assert await flights.result("a", lambda _: place.get()) == "here"

    run(scenario)
