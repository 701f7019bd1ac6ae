"""A bound on how many of something are under way in this process at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Semaphore

from core.errors import Retryable
from core.ports import Clock

POLL_S = 0.5


class Places:
    """So many places; who finds none free waits, for a while.

    Args:
        count: how many there are.
        clock: measures the wait.
        what: of what, for the message of who waited in vain.
    """

    def __init__(self, count: int, clock: Clock, what: str) -> None:
        self._count, self._clock, self._what = count, clock, what
        self._free = Semaphore(count)

    @contextmanager
    def one(self, wait_s: float) -> Iterator[None]:
        """Hold a place for the length of the block.

        Raises:
            Retryable: code quota_exceeded, none became free within wait_s.
        """
        last_s = self._clock.monotonic() + wait_s
        while not self._free.acquire(blocking=False):
            if self._clock.monotonic() + POLL_S > last_s:
                raise Retryable(
                    f"all {self._count} places for {self._what} were taken for {max(wait_s, 0):.0f} s",
                    code="quota_exceeded",
                )
            self._clock.sleep(POLL_S)
        try:
            yield
        finally:
            self._free.release()
