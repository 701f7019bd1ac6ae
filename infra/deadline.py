"""A limit on a whole HTTP exchange. httpx limits each silence only: a server that drips has no end."""

import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock, Timer
from types import TracebackType
from typing import Any, Self

import httpx

_CONNECTED = ("connect_tcp.complete", "start_tls.complete")


class Deadline:
    """Shuts the connection of a request when its time is over, for the length of a `with` block.

    Whoever waits for the connection then sees it end, in whatever way that shows; `passed` tells why. The
    time is the machine's, as it is for httpx's own timeouts. Connecting has a timeout of its own: a socket
    can't be shut before there is one.

    Args:
        seconds: from entering the block.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: Any = None
        self._lock = Lock()
        self._timer = Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        """Start the time."""
        self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The exchange has ended."""
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def watch(self, request: httpx.Request) -> None:
        """Learn of the request's connection; a request hook of httpx.Client."""
        request.extensions["trace"] = self._traced

    def _traced(self, event: str, info: Mapping[str, Any]) -> None:
        if not event.endswith(_CONNECTED):
            return
        with self._lock:
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                _shut(self._socket)

    def _pass(self) -> None:
        with self._lock:
            self.passed = True
            _shut(self._socket)


def _shut(connection: Any) -> None:
    """End both directions, which wakes who waits in them; closing would not.

    By the plain socket's method: the TLS one forgets its state, in the midst of another thread's read.
    """
    shutdown: Callable[[socket.socket, int], None] = socket.socket.shutdown
    if isinstance(connection, socket.socket):
        with suppress(OSError):
            shutdown(connection, socket.SHUT_RDWR)
