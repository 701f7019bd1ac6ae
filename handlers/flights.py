"""Work in threads that coroutines wait for: no loop is blocked, and work that nobody waits for ends."""

import asyncio
import contextvars
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Generic, TypeVar

T = TypeVar("T")
Work = Callable[[Event], T]
"""Gets an event that is set once nobody waits for the result."""


@dataclass(slots=True, eq=False)
class _Flight(Generic[T]):
    future: "Future[T]"
    abandoned: Event
    waiting: int = field(default=0)


class Flights(Generic[T]):
    """Runs each piece of work once, however many ask for it at the same time.

    Args:
        executor: makes the threads, when the first work comes.
    """

    def __init__(self, executor: Callable[[], Executor]) -> None:
        self._executor = executor
        self._lock = Lock()
        self._open: dict[Hashable, _Flight[T]] = {}

    async def result(self, key: Hashable, work: Work[T]) -> T:
        """The result of the work, or of the same key's work that runs already. Raises what the work raises.

        A caller that is cancelled leaves at once. When the last one has left, work that waits for a thread
        is dropped, and work that runs is told by its event.
        """
        flight = self._board(key, work)
        try:
            await _arrival(flight.future)
        finally:
            self._leave(key, flight)
        return flight.future.result()

    def _board(self, key: Hashable, work: Work[T]) -> _Flight[T]:
        with self._lock:
            flight = self._open.get(key)
            if flight is None:
                abandoned = Event()
                run = contextvars.copy_context().run
                flight = _Flight(self._executor().submit(run, work, abandoned), abandoned)
                self._open[key] = flight
            flight.waiting += 1
            return flight

    def _leave(self, key: Hashable, flight: _Flight[T]) -> None:
        with self._lock:
            flight.waiting -= 1
            is_last = flight.waiting == 0
            if (is_last or flight.future.done()) and self._open.get(key) is flight:
                del self._open[key]
        if is_last:
            flight.abandoned.set()
            flight.future.cancel()


async def _arrival(future: "Future[T]") -> None:
    """Return once the future is done, in whatever way; a cancellation here leaves the future alone."""
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile: nobody is left to be told
            loop.call_soon_threadsafe(arrived.set)

    future.add_done_callback(tell)
    await arrived.wait()
