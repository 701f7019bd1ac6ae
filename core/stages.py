"""The three stages of a batch, which overlap with those of others: prepare (copy), model, words.

While one batch runs, the next one is prepared and the words of the last one are built. A batch is chosen as
late as that allows, from what waits then.

What becomes of a batch that fails:

- EngineFailed, and it holds several windows: its halves go before all other batches, so that one bad window
  can't fail its neighbours. Out of memory also halves what may share a batch, for good.
- EngineFailed, and it holds one window: that window failed.
- EngineLost: so did all windows of lines that have one on the device; what else waits gets EngineRestarting.
- Anything else is a defect: its windows get it, the others go on.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from threading import Condition
from typing import TypeVar, get_args

from core.batching import Limits
from core.errors import EngineFailed, EngineLost, EngineRestarting
from core.pools import Pools, Stage
from core.ports import Clock, HeardBatch, PreparedBatch, Recognizer
from core.throughput import Meter
from core.transcript import Word
from core.window_queue import Batch, Submitted, WindowQueue

HANG_S = 600.0
"""As long as Pub/Sub waits for an answer; two batches of the largest model on a small CPU take less."""

LOAD_HANG_S = 1800.0
"""Importing, loading and calibrating take a minute; a model that is downloaded first, more."""

T = TypeVar("T")
Act = Callable[[], object]
"""Something to do without the lock: start a stage, or settle futures, whose callbacks are others' code."""


class _Recalled(Exception):
    """The batch is no longer wanted as it was prepared: it is too large by now, or nobody waits for it."""


class Stages:
    """Moves batches from the queue through the stages.

    All but the stages' own calls happen under one lock, which is the caller's too.

    Args:
        recognizer: the model.
        clock: times the batches.
        queue: where batches come from.
        meter: counts them.
        changed: the lock; told whenever room was made, or the engine was lost.
        on_lost: told once of a loss, before the futures are.
        pools: makes the threads.
    """

    def __init__(  # noqa: PLR0913 - wired in one place, core.scheduler
        self,
        *,
        recognizer: Recognizer,
        clock: Clock,
        queue: WindowQueue,
        meter: Meter,
        changed: Condition,
        on_lost: Callable[[EngineLost], None],
        pools: Pools,
    ) -> None:
        self._recognizer, self._clock, self._queue, self._meter = recognizer, clock, queue, meter
        self._changed, self._on_lost, self._pools = changed, on_lost, pools
        self._executors: dict[Stage, Executor] = {stage: pools(stage, 1) for stage in get_args(Stage)}
        self._work: dict[Batch, Stage] = {}
        self._since_s: dict[Batch, float] = {}
        self._loading_since_s: float | None = None
        self._suspects: set[int] = set()
        self.limits: Limits | None = None
        self.lost: EngineLost | None = None

    @property
    def work_s(self) -> float:
        """Audio in all stages."""
        return sum(batch.audio_s for batch in self._work)

    def blames(self, line: int) -> bool:
        """Whether a window of the line was on the device when it was lost."""
        return line in self._suspects

    @property
    def is_idle(self) -> bool:
        """Whether no stage works, nor will unless windows come."""
        return not self._work and self._loading_since_s is None and self._queue.is_empty

    def next(self) -> list[Act]:
        """What there is to start now, as acts to be done after the lock is given back."""
        if self.limits is None:
            return self._load()
        batch = self._queue.take(self.limits) if self._has_room(self.limits.workers) else None
        if batch is None:
            return []
        self._changed.notify_all()
        samples = [window.samples for window in batch.windows]
        return [self._enter("prepare", batch, partial(self._recognizer.prepare, samples), self._prepared)]

    def overdue(self) -> list[Act]:
        """Give the device up when a batch, or the model's loading, takes longer than any does."""
        now_s = self._clock.monotonic()
        waited_s = now_s - min((self._since_s[batch] for batch in self._on_device), default=now_s)
        loading_s = now_s - (now_s if self._loading_since_s is None else self._loading_since_s)
        if self.lost or (waited_s <= HANG_S and loading_s <= LOAD_HANG_S):
            return []
        self._changed.notify_all()
        if waited_s > HANG_S:
            return self._lose(
                EngineLost(f"a batch has not come back for {waited_s:.0f} s, expected {HANG_S:g} s")
            )
        self._loading_since_s = None
        return self._not_loaded(
            EngineLost(f"the model has been loading for {loading_s:.0f} s, expected {LOAD_HANG_S:g} s")
        )

    @property
    def _on_device(self) -> list[Batch]:
        """Batches whose words are being built have left the model."""
        return [batch for batch, stage in self._work.items() if stage != "words"]

    def _forget(self, batch: Batch) -> None:
        del self._work[batch], self._since_s[batch]

    def shut_down(self) -> None:
        """End the threads; after a loss without waiting, as one may hang in a call to the device for ever."""
        for executor in self._executors.values():
            executor.shutdown(wait=self.lost is None)

    def _has_room(self, workers: int) -> bool:
        """One batch in preparation, one beyond the workers before the model is done, as many being read."""
        stages = list(self._work.values())
        reading = stages.count("words")
        return "prepare" not in stages and len(stages) - reading <= workers and reading <= workers

    def _enter(
        self, stage: Stage, batch: Batch, call: Callable[[], T], then: Callable[[Batch, T], list[Act]]
    ) -> Act:
        self._work[batch] = stage
        self._since_s[batch] = self._clock.monotonic()
        return partial(self._start, stage, call, partial(self._left, batch, then))

    def _start(self, stage: Stage, call: Callable[[], T], done: "Callable[[Future[T]], None]") -> None:
        """What the call gives or raises comes by the future, so that nothing has to be caught here."""
        try:
            left = self._executors[stage].submit(call)
        except RuntimeError as error:  # no thread starts any more, as when the interpreter ends
            left = Future()
            left.set_exception(error)
        left.add_done_callback(done)

    def _left(self, batch: Batch, then: Callable[[Batch, T], list[Act]], stage: "Future[T]") -> None:
        with self._changed:
            error = stage.exception()
            if batch not in self._work:
                return  # its windows were told when the device was lost
            self._forget(batch)
            acts = then(batch, stage.result()) if error is None else self._failed(batch, error)
            acts = self.next() + acts
            self._changed.notify_all()
        do(acts)

    def _prepared(self, batch: Batch, prepared: PreparedBatch) -> list[Act]:
        return [self._enter("model", batch, partial(self._run, batch, prepared), self._heard)]

    def _run(self, batch: Batch, prepared: PreparedBatch) -> tuple[HeardBatch, float]:
        """In the model's thread: what was heard, and what it cost in seconds."""
        with self._changed:
            if not self._is_wanted(batch):
                raise _Recalled
            self._meter.started(batch, self._clock.monotonic())
        try:
            heard = prepared.run()
        finally:
            with self._changed:
                cost_s = self._meter.stopped(batch, self._clock.monotonic())
        return heard, cost_s

    def _is_wanted(self, batch: Batch) -> bool:
        fits = self.limits is not None and len(batch.windows) <= self.limits.most_of(batch.size_s)
        waited_for = any(self._queue.has_line(window.line) for window in batch.windows)
        return fits and waited_for and batch in self._work

    def _heard(self, batch: Batch, heard: tuple[HeardBatch, float]) -> list[Act]:
        result, cost_s = heard
        windows = len(batch.windows)
        room = self.limits.most_of(batch.size_s) if self.limits else 1
        self._meter.heard(windows, max(windows, room), batch.audio_s, windows * batch.size_s, cost_s)
        self._queue.charge(batch, cost_s)
        return [self._enter("words", batch, partial(_words, result, windows), self._read)]

    def _read(self, batch: Batch, words: list[list[Word]]) -> list[Act]:
        return [
            partial(window.future.set_result, found)
            for window, found in zip(batch.windows, words, strict=True)
        ]

    def _failed(self, batch: Batch, error: BaseException) -> list[Act]:
        if isinstance(error, EngineLost):
            return self._lose(error, batch)
        if isinstance(error, _Recalled):
            return self._divide(batch)
        is_out_of_memory = isinstance(error, EngineFailed) and error.code == "engine_out_of_memory"
        if is_out_of_memory:
            self._meter.out_of_memory()
        if not isinstance(error, EngineFailed) or len(batch.windows) == 1 or self.lost:
            return [partial(fail, batch.windows, error)]
        if is_out_of_memory and self.limits:
            self.limits = self.limits.halved(batch.size_s, len(batch.windows))
        if not is_out_of_memory:
            self._meter.bisected()
        return self._divide(batch)

    def _divide(self, batch: Batch) -> list[Act]:
        parts = list(batch.parts(max(1, len(batch.windows) // 2)))
        self._meter.retried(len(parts))
        return [partial(fail, self._queue.put_back(parts), CancelledError())]

    def _load(self) -> list[Act]:
        if self._loading_since_s is not None or self._queue.is_empty:
            return []
        self._loading_since_s = self._clock.monotonic()
        return [partial(self._start, "model", self._recognizer.ready, self._loaded)]

    def _loaded(self, loaded: "Future[Limits]") -> None:
        with self._changed:
            if self.lost:
                return  # given up while it loaded
            self._loading_since_s = None
            error = loaded.exception()
            acts = self._is_loaded(loaded.result()) if error is None else self._not_loaded(error)
            self._changed.notify_all()
        do(acts)

    def _is_loaded(self, limits: Limits) -> list[Act]:
        """One thread loaded the model; where several run it, they take its place."""
        self.limits = limits
        self._queue.serve(limits)
        if limits.workers > 1:
            self._executors["model"].shutdown(wait=False)
            self._executors["model"] = self._pools("model", limits.workers)
        return self.next()

    def _not_loaded(self, error: BaseException) -> list[Act]:
        if isinstance(error, EngineLost):
            # No file is the reason; but one that finds no engine at each start has to count it.
            return self._lose(error, Batch(0.0, tuple(self._queue.clear())))
        return [partial(fail, self._queue.clear(), error)]

    def _lose(self, error: EngineLost, *batches: Batch) -> list[Act]:
        """Batches that have left the model go on."""
        is_first = self.lost is None
        self.lost = self.lost or error
        batches += tuple(self._on_device)
        for batch in self._on_device:
            self._forget(batch)
        suspects = [window for batch in batches for window in batch.windows]
        self._suspects |= {window.line for window in suspects}
        waiting = self._queue.clear()
        suspects += (window for window in waiting if self.blames(window.line))
        others = [window for window in waiting if not self.blames(window.line)]
        return [partial(self._tell_of_loss, error, suspects, others, is_first=is_first)]

    def _tell_of_loss(
        self, error: EngineLost, suspects: list[Submitted], waiting: list[Submitted], *, is_first: bool
    ) -> None:
        try:
            if is_first:
                self._on_lost(error)
        finally:
            fail(suspects, error)
            fail(waiting, EngineRestarting("the engine was lost while it heard other windows"))


def _words(heard: HeardBatch, windows: int) -> list[list[Word]]:
    words = heard.words()
    if len(words) != windows:
        raise EngineFailed(
            f"the model gave {len(words)} results for {windows} windows, expected one for each",
            code="engine_bad_result",
            deterministic=True,
        )
    return words


def fail(windows: Iterable[Submitted], error: BaseException) -> None:
    """Let claimed windows fail."""
    for window in windows:
        window.future.set_exception(error)


def do(acts: Iterable[Act]) -> None:
    """Do what had to wait for the lock to be free."""
    for act in acts:
        act()
