"""Whatever fails, whoever leaves, and in whatever order threads would run: no future is left pending."""

from collections.abc import Sequence
from concurrent.futures import CancelledError, Future

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from core.batching import Limits
from core.errors import EngineFailed, EngineLost, EngineRestarting
from core.scheduler import Line
from core.transcript import Word
from tests.fakes.recognizer import Samples, Stage, out_of_memory_above
from tests.unit.core.scheduled import Bench, window, words_of

limits_of_any_kind = st.builds(
    Limits,
    sizes_s=st.just((0.5, 1.0)),
    most=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    workers=st.integers(1, 3),
)
lengths = st.sampled_from([0.1, 0.5, 0.7, 1.0, 1.2])
FAULTS: tuple[Exception, ...] = (
    EngineFailed("failed once"),
    EngineFailed("full once", code="engine_out_of_memory"),
    ZeroDivisionError("defect"),
    EngineLost("gone"),
)


class Faulty(RuleBasedStateMachine):
    """Arrivals, faults, departures and steps of the stages in any order."""

    lines = Bundle("lines")

    @initialize(limits=limits_of_any_kind)
    def start(self, limits: Limits) -> None:
        self.bench = Bench(limits, self.script)
        self.futures: dict[int, Future[list[Word]]] = {}
        self.armed: dict[Stage, Exception] = {}
        self.struck: list[Exception] = []
        self.is_lost = False
        self.bound = 2 * limits.workers + 1

    def script(self, stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == "run":
            self.check_batch([len(samples) / 16_000 for samples in windows])
        if stage in self.armed:
            error = self.armed.pop(stage)
            self.struck.append(error)
            self.is_lost = self.is_lost or isinstance(error, EngineLost)
            raise error

    def check_batch(self, lengths_s: list[float]) -> None:
        limits = self.bench.scheduler.limits
        assert limits is not None
        (size_s,) = {limits.size_of(length_s) for length_s in lengths_s}
        assert 1 <= len(lengths_s) <= limits.most_of(size_s)

    @rule(target=lines)
    def open(self) -> Line:
        return self.bench.line()

    @rule(line=lines, lengths_s=st.lists(lengths, min_size=1, max_size=8))
    def submit(self, line: Line, lengths_s: list[float]) -> None:
        for length_s in lengths_s:
            number = len(self.futures)
            try:
                self.futures[number] = line.submit(window(number, length_s))
            except (EngineRestarting, EngineLost):
                assert self.is_lost

    @rule(line=consumes(lines))
    def leave(self, line: Line) -> None:
        self.bench.leave(line)

    @precondition(lambda self: self.bench.pools.pending)
    @rule(data=st.data(), steps=st.integers(1, 4))
    def step(self, data: st.DataObject, steps: int) -> None:
        for _ in range(steps):
            if self.bench.pools.pending:
                self.bench.pools.step(data.draw(st.sampled_from(self.bench.pools.pending)))

    @rule(stage=st.sampled_from(["ready", "prepare", "run", "words"]), error=st.sampled_from(FAULTS[:3]))
    def arm(self, stage: Stage, error: Exception) -> None:
        self.armed[stage] = error

    @rule(stage=st.sampled_from(["ready", "prepare", "run", "words"]), often=st.integers(0, 3))
    def arm_loss(self, stage: Stage, often: int) -> None:
        if not often:
            self.armed[stage] = FAULTS[3]

    @precondition(lambda self: self.futures)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.futures[data.draw(st.sampled_from(sorted(self.futures)))].cancel()

    @invariant()
    def no_more_batches_are_in_work_than_the_stages_can_use(self) -> None:
        assert len(self.bench.pools.pending) <= self.bound

    @invariant()
    def a_loss_is_told_once(self) -> None:
        assert len(self.bench.lost) == self.is_lost

    def teardown(self) -> None:
        if not hasattr(self, "bench"):
            return
        self.bench.pools.run()
        for number, future in self.futures.items():
            assert future.done(), f"window {number} is left pending"
            self.check_outcome(number, future)
        self.bench.scheduler.close()

    def check_outcome(self, number: int, future: "Future[list[Word]]") -> None:
        error = None if future.cancelled() else future.exception(0)
        if future.cancelled() or isinstance(error, CancelledError):
            return
        if error is None:
            assert future.result(0) == words_of(number)
        elif isinstance(error, EngineRestarting):
            assert self.is_lost
        else:
            assert error in self.struck


TestFaulty = Faulty.TestCase
TestFaulty.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@given(
    limits_of_any_kind,
    st.lists(st.lists(lengths, min_size=1, max_size=10), min_size=1, max_size=4),
    st.sets(st.integers(0, 20)),
    st.integers(1, 6),
    st.sampled_from(["prepare", "run", "words"]),
    st.data(),
)
def test_only_poisoned_windows_fail_however_little_fits(  # noqa: PLR0917 - what is drawn
    limits: Limits, jobs: list[list[float]], bad: set[int], most: int, at: Stage, data: st.DataObject
) -> None:
    memory = out_of_memory_above(most)

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        memory(stage, windows)
        if stage == at and any(samples[0] in bad for samples in windows):
            raise EngineFailed("a window is poisoned")

    bench = Bench(limits, script)
    futures: list[Future[list[Word]]] = []
    for job in jobs:
        line = bench.line()
        futures += [line.submit(window(len(futures) + i, s)) for i, s in enumerate(job)]
    while bench.pools.pending:
        bench.pools.step(data.draw(st.sampled_from(bench.pools.pending)))
    for number, future in enumerate(futures):
        if number in bad:
            assert isinstance(future.exception(0), EngineFailed)
        else:
            assert future.result(0) == words_of(number)
    assert sum(map(len, bench.recognizer.batches)) >= len(futures) - len(bad)
