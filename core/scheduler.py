"""The queue in front of the one model: batches across all jobs, fair between them, with back-pressure.

    submit -> wait -> prepare -> model -> words -> future

core.batching chooses the batches; core.stages moves them, and says what becomes of those that fail.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from functools import partial
from threading import Condition

import numpy as np
from numpy.typing import NDArray

from core.batching import Limits
from core.errors import EngineLost, EngineRestarting
from core.pools import Pools, threads_of
from core.ports import SAMPLE_RATE_HZ, Clock, Recognizer
from core.stages import Stages, do, fail
from core.throughput import Meter, Stats
from core.transcript import Word
from core.window_queue import Submitted, WindowQueue, claim

CHECK_S = 10.0
"""Between two looks of a waiting thread at whether the device hangs."""

SHORTEST_S = 0.1
"""The shortest window that a recognizer takes: core.ports.Recognizer.prepare."""


class Line:
    """One job's way in.

    Args:
        name: of the job, for messages.
        submit: takes checked windows.
        check: gives the engine up when its device hangs.
        work_s: tells what the model has worked for this line, in seconds.
    """

    def __init__(
        self,
        name: str,
        submit: "Callable[[NDArray[np.int16]], Future[list[Word]]]",
        check: Callable[[], None],
        work_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.name = name
        self._submit = submit
        self.check = check
        self.work_s = work_s

    def submit(self, samples: NDArray[np.int16]) -> "Future[list[Word]]":
        """Let a window wait for the model; blocks while the queue, or this line's share of it, is full.

        Not to be called from a future's callback: that runs in a thread which empties the queue.

        Args:
            samples: int16, 16 kHz, mono, shape [at least 0.1 s]; not to be changed before the future is done.

        Returns:
            A future of the window's words, with times from its own start. It raises EngineFailed, EngineLost,
            EngineRestarting, or CancelledError when the line was closed before the model heard the window.

        Raises:
            ValueError: not one-dimensional int16, or too short.
            EngineLost: the engine was lost with a window of this line on its device.
            EngineRestarting: the engine was lost with others' windows, or is being closed.
            CancelledError: the line is closed.
        """
        if samples.ndim != 1 or samples.dtype != np.int16 or len(samples) < SHORTEST_S * SAMPLE_RATE_HZ:
            raise ValueError(
                f"a window of {self.name} is {samples.dtype} of shape {samples.shape}, expected int16 in one "
                f"dimension, and at least {SHORTEST_S:g} s of it"
            )
        return self._submit(samples)


class Scheduler:
    """Feeds one model from many jobs.

    Args:
        recognizer: the model. It is loaded when the first window comes; where that fails, the windows that
            wait fail too, and the next one tries again.
        clock: times the batches.
        queue_s: audio that may wait in all; None for as much as keeps the model busy. A line's share is
            that through the number of lines with windows that wait, and one window at least.
        on_lost: told once that the device is gone, before any window is; runs in a thread of a stage.
        assumed_rtfx: speed by which waits are predicted before the first batch.
        pools: makes the stages' threads.
    """

    def __init__(  # noqa: PLR0913 - two ports, and a keyword for each choice
        self,
        recognizer: Recognizer,
        clock: Clock,
        *,
        queue_s: float | None = None,
        on_lost: Callable[[EngineLost], None] = lambda _: None,
        assumed_rtfx: float | None = None,
        pools: Pools = threads_of,
    ) -> None:
        self._changed = Condition()
        self._queue = WindowQueue(queue_s)
        self._meter = Meter()
        self._stages = Stages(
            recognizer=recognizer,
            clock=clock,
            queue=self._queue,
            meter=self._meter,
            changed=self._changed,
            on_lost=on_lost,
            pools=pools,
        )
        self._assumed_rtfx = assumed_rtfx
        self._is_closed = False

    @contextmanager
    def line(self, name: str, expected_s: float = 0.0) -> Iterator[Line]:
        """A way in for one job of about so much audio; leaving it drops what still waits."""
        with self._changed:
            number = self._queue.open_line(expected_s)
        try:
            yield Line(name, partial(self._submit, name, number), self.check, partial(self._work_s, number))
        finally:
            self._close_line(number)

    @property
    def waiting_s(self) -> float:
        """Audio that waits, without what the stages work on."""
        with self._changed:
            return self._queue.waiting_s + self._queue.again_s

    @property
    def predicted_wait_s(self) -> float | None:
        """How long until all open jobs are done, by what they announced; None where no speed is known."""
        with self._changed:
            queue = self._queue
            ahead_s = queue.waiting_s + queue.again_s + queue.expected_s + self._stages.work_s
            rtfx = self._meter.rtfx or self._assumed_rtfx
        return ahead_s / rtfx if rtfx else None

    @property
    def stats(self) -> Stats:
        """Counts since the start."""
        with self._changed:
            return self._meter.stats

    @property
    def limits(self) -> Limits | None:
        """How much the model hears at once, as learnt so far; None before it is loaded."""
        with self._changed:
            return self._stages.limits

    def check(self) -> None:
        """Give the engine up when its device hangs: asked by those who wait for words."""
        with self._changed:
            acts = self._stages.overdue()
        do(acts)

    def close(self) -> None:
        """Refuse what waits, let the batches in work end unless the engine was lost, and end the threads."""
        with self._changed:
            self._is_closed = True
            waiting = self._queue.clear()
            self._changed.notify_all()
        fail(waiting, EngineRestarting("the engine is being closed"))
        with self._changed:
            self._changed.wait_for(lambda: self._stages.is_idle)
        self._stages.shut_down()

    def _submit(self, name: str, line: int, samples: NDArray[np.int16]) -> "Future[list[Word]]":
        window = Submitted(line, samples)
        while not self._admitted(name, window):
            self.check()
        return window.future

    def _admitted(self, name: str, window: Submitted) -> bool:
        """Whether the window joined the queue before it was time for another look at the device."""
        with self._changed:
            is_due = self._changed.wait_for(
                lambda: self._refusal(name, window.line) or self._queue.admits(window.line, window.length_s),
                CHECK_S,
            )
            if refusal := self._refusal(name, window.line):
                raise refusal
            if not is_due:
                return False
            self._queue.add(window)
            acts = self._stages.next()
        do(acts)
        return True

    def _refusal(self, name: str, line: int) -> Exception | None:
        if self._stages.lost and self._stages.blames(line):
            return self._stages.lost
        if self._stages.lost or self._is_closed:
            return EngineRestarting(f"{name}: the engine hears nothing more in this process")
        return None if self._queue.has_line(line) else CancelledError(f"the line of {name} is closed")

    def _work_s(self, line: int) -> float:
        with self._changed:
            return self._queue.work_s(line)

    def _close_line(self, number: int) -> None:
        with self._changed:
            waiting, again = self._queue.close_line(number)
            self._changed.notify_all()
        for window in waiting:
            window.future.cancel()
            claim(window)
        fail(again, CancelledError())
