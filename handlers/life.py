"""How a process ends whose engine is lost: red first, then out, once nothing holds a lease any more.

A CUDA context that was poisoned stays so as long as its process lives. The server above starts another
process in its place.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GRACE_S = 10.0
"""As long as Cloud Run waits between SIGTERM and SIGKILL."""


def end_process(grace_s: float = GRACE_S) -> None:
    """End as the platform would: ask first, so that what is being answered is still answered, then leave.

    The second step is for threads that hang in the driver of a lost device: Python waits for them.
    """
    leave = threading.Timer(grace_s, os._exit, (1,))
    leave.daemon = True
    leave.start()
    os.kill(os.getpid(), signal.SIGTERM)


class Life:
    """The requests that a process works on, and whether it should outlive them.

    Args:
        end: ends the process; called once.
    """

    def __init__(self, end: Callable[[], object] = end_process) -> None:
        self._end = end
        self._lock = threading.Lock()
        self._working = 0
        self._ended = False
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why the process is to end; empty while all is well."""
        return self._reason

    @contextmanager
    def request(self) -> Iterator[None]:
        """Work on one request; the process does not end in the middle of it."""
        with self._lock:
            self._working += 1
        try:
            yield
        finally:
            with self._lock:
                self._working -= 1
            self._end_when_idle()

    def doom(self, reason: str) -> None:
        """Turn health red, and end the process as soon as no request is being worked on."""
        with self._lock:
            self._reason = self._reason or reason
        self._end_when_idle()

    def _end_when_idle(self) -> None:
        with self._lock:
            due = bool(self._reason) and not self._working and not self._ended
            self._ended = self._ended or due
        if due:
            self._end()
