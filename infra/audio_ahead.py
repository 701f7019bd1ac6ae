"""Runs an iterator in a thread of its own, a few items ahead of who takes them."""

from collections.abc import Generator
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Ended:
    """Stands behind the last item; `error` is what the iterator raised, if anything."""

    error: Exception | None = None


class _Runner(Generic[T]):
    """The thread, and the queue between the two."""

    def __init__(self, items: Generator[T], depth: int) -> None:
        self._items = items
        self._stop = Event()
        self.queue: Queue[T | _Ended] = Queue(depth)
        # A reader that nobody closes must not keep the process from ending: hence a daemon.
        self._thread = Thread(target=self._run, name="decoding ahead", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        end = _Ended()
        try:
            for item in self._items:
                self.queue.put(item)
                if self._stop.is_set():
                    self._items.close()
                    return
        except Exception as error:  # noqa: BLE001 - raised again by who takes the items
            end = _Ended(error)
        self.queue.put(end)

    def stop(self) -> None:
        """Return when the thread is over: at once, or once the item that it is making is made.

        After the stop is set the thread puts one item at most, and the emptied queue has room for that.
        """
        self._stop.set()
        try:
            while True:
                self.queue.get_nowait()
        except Empty:
            self._thread.join()


def ahead(items: Generator[T], depth: int) -> Generator[T]:
    """The same items in the same order; at most `depth` + 1 are made before they are asked for.

    Nothing runs before the first item is asked for. When this generator is over, at its end, after an error
    or closed early, so is the thread.

    Raises:
        Exception: whatever the iterator raised, as itself, behind the items before it.
    """
    runner = _Runner(items, depth)
    try:
        while not isinstance(item := runner.queue.get(), _Ended):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        runner.stop()
