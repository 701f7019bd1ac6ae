"""Executors that work only when told to, so that a test chooses the order in which threads would run."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

from core.pools import Stage


class SteppedExecutor(Executor):
    """Keeps calls until they are stepped, one by one."""

    def __init__(self) -> None:
        self.calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self.is_shut_down = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        if self.is_shut_down:
            raise RuntimeError("the executor is shut down")
        future: Future[Any] = Future()
        self.calls.append((future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.is_shut_down = True

    def step(self) -> None:
        future, call = self.calls.popleft()
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - as ThreadPoolExecutor does
            future.set_exception(error)
        else:
            future.set_result(result)


class SteppedPools:
    """core.pools.Pools of stepped executors."""

    def __init__(self) -> None:
        self.made: list[tuple[Stage, int]] = []
        self._executors: list[tuple[Stage, SteppedExecutor]] = []

    def __call__(self, stage: Stage, threads: int) -> Executor:
        self.made.append((stage, threads))
        self._executors.append((stage, SteppedExecutor()))
        return self._executors[-1][1]

    @property
    def pending(self) -> list[Stage]:
        """The stage of each call that waits."""
        return [stage for stage, executor in self._executors for _ in executor.calls]

    def step(self, stage: Stage) -> None:
        """Do a stage's next call."""
        next(executor for at, executor in self._executors if at == stage and executor.calls).step()

    def run(self) -> None:
        """Do all calls, and those that come of them."""
        while self.pending:
            self.step(self.pending[0])

    def refuse(self) -> None:
        """Take no more calls."""
        for _, executor in self._executors:
            executor.shutdown()
