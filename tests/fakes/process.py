"""A process that dies, or is overtaken, between two calls to the outside."""

from collections.abc import Callable
from typing import Any, cast

from core.ports import ObjectStore, Publisher


class Crash(BaseException):
    """The process is gone. No handler of errors sees it, as none would see a SIGKILL."""


class Process:
    """Counts the calls of one process to the outside, and lets something happen at one of them.

    Args:
        at: the call before which it happens, counted from 1; 0 for never.
        happens: what happens; dying is the default.
    """

    def __init__(self, at: int = 0, happens: Callable[[], object] | None = None) -> None:
        self.calls = 0
        self.dead = False
        self._at = at
        self._happens = happens or self.die

    def die(self) -> None:
        """From now on no call of this process gets out."""
        self.dead = True
        raise Crash

    def store(self, store: ObjectStore) -> ObjectStore:
        """The store, as this process reaches it."""
        return cast("ObjectStore", _Outside(self, store))

    def publisher(self, publisher: Publisher) -> Publisher:
        """The broker, as this process reaches it."""
        return cast("Publisher", _Outside(self, publisher))

    def pass_out(self, call: Callable[[], Any]) -> Any:
        """Make one call, unless the process dies first."""
        if self.dead:
            raise Crash
        self.calls += 1
        if self.calls == self._at:
            self._happens()
        return call()


class _Outside:
    """Any port, with the process in front of each of its methods."""

    def __init__(self, process: Process, port: object) -> None:
        self._process = process
        self._port = port

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)
        return lambda *args, **kwargs: self._process.pass_out(lambda: method(*args, **kwargs))
