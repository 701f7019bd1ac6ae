"""With real threads: the stages overlap, submit blocks and wakes, and nothing hangs."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event, Semaphore, Thread

import pytest

from core.batching import Limits
from core.errors import EngineFailed, EngineLost, EngineRestarting
from core.scheduler import Scheduler
from core.transcript import Word
from infra.clock import SystemClock
from tests.fakes.recognizer import FakeRecognizer, Samples, Script, Stage, lost_by, poisoned
from tests.unit.core.scheduled import hear, window, words_of

PATIENCE_S = 20.0


def scheduler(limits: Limits, script: Script, queue_s: float = 1e6) -> Scheduler:
    return Scheduler(FakeRecognizer(hear, limits=limits, script=script), SystemClock(), queue_s=queue_s)


def test_while_a_batch_runs_the_next_is_prepared_and_the_words_of_the_last_are_built() -> None:
    third_is_prepared, first_is_read = Event(), Event()
    seen: list[bool] = []

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        number = int(windows[0][0]) if windows else 0
        if (stage, number) == ("prepare", 3):
            third_is_prepared.set()
        if (stage, number) == ("words", 1):
            first_is_read.set()
        if (stage, number) == ("run", 2):
            seen.extend(event.wait(PATIENCE_S) for event in (third_is_prepared, first_is_read))

    engine = scheduler(Limits((1.0,), (1,)), script)
    with engine.line("job") as line:
        futures = [line.submit(window(number)) for number in (1, 2, 3)]
        assert [future.result(PATIENCE_S) for future in futures] == [words_of(n) for n in (1, 2, 3)]
    engine.close()
    assert seen == [True, True]


def test_as_many_batches_run_at_once_as_there_are_workers() -> None:
    together = Barrier(2)

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == "run":
            together.wait(PATIENCE_S)

    engine = scheduler(Limits((1.0,), (1,), workers=2), script)
    with engine.line("job") as line:
        futures = [line.submit(window(number)) for number in range(4)]
        assert [future.result(PATIENCE_S) for future in futures] == [words_of(n) for n in range(4)]
    engine.close()


def test_submit_blocks_while_the_queue_is_full_and_wakes_when_a_batch_is_chosen() -> None:
    gate, returned, futures = Event(), Semaphore(0), list[Future[list[Word]]]()

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == "ready":
            assert gate.wait(PATIENCE_S)

    engine = scheduler(Limits((1.0,), (1,)), script, queue_s=2.0)

    def produce() -> None:
        with engine.line("job") as line:
            for number in range(8):
                futures.append(line.submit(window(number)))
                returned.release()
            for future in futures:
                future.exception(PATIENCE_S)

    producer = Thread(target=produce)
    producer.start()
    assert all(returned.acquire(timeout=PATIENCE_S) for _ in range(2))
    assert not returned.acquire(timeout=0.05)
    assert engine.waiting_s == 2.0
    gate.set()
    producer.join(PATIENCE_S)
    engine.close()
    assert [future.result(0) for future in futures] == [words_of(number) for number in range(8)]


def test_a_blocked_submit_wakes_when_another_line_leaves_it_a_larger_share() -> None:
    gate, returned = Event(), Semaphore(0)

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == "ready":
            assert gate.wait(PATIENCE_S)

    engine = scheduler(Limits((1.0,), (1,)), script, queue_s=2.0)

    def produce() -> None:
        with engine.line("stays") as line:
            for number in range(2):
                line.submit(window(number))
                returned.release()

    with engine.line("leaves") as leaving:
        leaving.submit(window(9))
        producer = Thread(target=produce)
        producer.start()
        assert returned.acquire(timeout=PATIENCE_S)
        assert not returned.acquire(timeout=0.05)
    assert returned.acquire(timeout=PATIENCE_S / 2)  # while the model still loads
    gate.set()
    producer.join(PATIENCE_S)
    engine.close()


@pytest.mark.parametrize("end", ["close", "loss", "failure"])
def test_a_blocked_submit_wakes_when_the_engine_ends_or_the_queue_empties(end: str) -> None:
    gate, returned, outcome = Event(), Semaphore(0), list[str]()

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == "ready" and not gate.is_set():
            assert gate.wait(PATIENCE_S)
            if end == "loss":
                raise EngineLost("gone")
            if end == "failure":
                raise EngineFailed("no model", code="engine_model_unavailable")

    engine = scheduler(Limits((1.0,), (1,)), script, queue_s=1.0)

    def produce() -> None:
        with engine.line("job") as line:
            line.submit(window(1))
            returned.release()
            try:
                line.submit(window(2)).exception(PATIENCE_S)
                outcome.append("went on")
            except (EngineRestarting, EngineLost) as error:
                outcome.append("refused" if isinstance(error, EngineRestarting) else "lost")

    producer = Thread(target=produce)
    producer.start()
    assert returned.acquire(timeout=PATIENCE_S)
    closer = Thread(target=engine.close)
    if end == "close":
        closer.start()
        producer.join(PATIENCE_S / 2)
        assert outcome == ["refused"]  # while the model still loads
    gate.set()
    producer.join(PATIENCE_S)
    assert outcome == [{"failure": "went on", "loss": "lost", "close": "refused"}[end]]
    if end != "close":
        closer.start()
    closer.join(PATIENCE_S)
    assert not closer.is_alive()


def test_many_jobs_with_faults_all_end() -> None:
    bad, limits = poisoned(7), Limits((1.0,), (8,), workers=2)
    engine = scheduler(limits, bad, queue_s=16.0)

    def job(name: int) -> list[bool]:
        with engine.line(str(name)) as line:
            futures = [line.submit(window(number % 16)) for number in range(40)]
            return [future.exception(PATIENCE_S) is None for future in futures]

    with ThreadPoolExecutor(8) as jobs:
        outcomes = list(jobs.map(job, range(8)))
    engine.close()
    assert outcomes == [[number % 16 != 7 for number in range(40)]] * 8


def test_a_lost_device_ends_all_jobs_and_closing_does_not_wait_for_a_hanging_call() -> None:
    gate, told, waits = Event(), list[str](), list[bool]()
    lost = lost_by(7)

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == "run" and any(samples[0] == 1 for samples in windows):
            waits.append(gate.wait(PATIENCE_S))
        lost(stage, windows)

    limits = Limits((0.5, 1.0), (4, 4), workers=2)
    engine = Scheduler(
        FakeRecognizer(hear, limits=limits, script=script),
        SystemClock(),
        on_lost=lambda error: told.append(str(error)),
    )
    with engine.line("job") as line:
        hanging, fatal = line.submit(window(1, 0.5)), line.submit(window(7))
        kinds = {type(future.exception(PATIENCE_S)) for future in (hanging, fatal)}
        assert kinds == {EngineLost}
    engine.close()
    assert (len(told), waits) == (1, [])
    gate.set()
