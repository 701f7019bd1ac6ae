"""What becomes of batches that fail, and of all others."""

from collections.abc import Sequence

import pytest

import core.pools
from core.batching import Limits
from core.errors import EngineFailed, EngineLost, EngineRestarting
from tests.fakes.recognizer import (
    ForgetfulRecognizer,
    Samples,
    Stage,
    lost_by,
    out_of_memory_above,
    poisoned,
)
from tests.unit.core.scheduled import FOUR, Bench, raising, submitted, window, words_of


@pytest.mark.parametrize("stage", ["prepare", "run", "words"])
def test_one_bad_window_does_not_fail_its_neighbours(stage: Stage) -> None:
    bench = Bench(Limits((1.0,), (8,)), poisoned(5, stage))
    line = bench.line()
    futures = {number: line.submit(window(number)) for number in range(8)}
    bench.pools.run()
    assert isinstance(futures.pop(5).exception(0), EngineFailed)
    assert all(future.result(0) == words_of(number) for number, future in futures.items())
    assert bench.scheduler.stats.bisections == 3


def test_halves_go_before_all_others_and_in_order() -> None:
    bench = Bench(FOUR, raising(EngineFailed("once"), "run"))
    line = bench.line()
    for number in range(12):
        line.submit(window(number))
    bench.pools.run()
    # The batch behind the failed one was prepared by then.
    assert bench.ran() == [[0, 1, 2, 3], [4, 5, 6, 7], [0, 1], [2, 3], [8, 9, 10, 11]]


def test_out_of_memory_halves_the_batches_for_good_and_hears_the_same_windows() -> None:
    bench = Bench(Limits((1.0, 4.0), (8, 2)), out_of_memory_above(3))
    line = bench.line()
    futures = [line.submit(window(number)) for number in range(20)]
    bench.pools.run()
    assert [future.result(0) for future in futures] == [words_of(number) for number in range(20)]
    assert bench.scheduler.limits == Limits((1.0, 4.0), (2, 1))
    assert (
        bench.scheduler.stats.out_of_memory == 2
    )  # of 8, and of 4; the batch prepared meanwhile was recalled
    assert [len(numbers) for numbers in bench.ran()[2:]] == [2] * 10


def test_a_window_that_does_not_fit_alone_fails_and_leaves_the_limits() -> None:
    bench = Bench(FOUR, out_of_memory_above(0))
    future = bench.line().submit(window(1))
    bench.pools.run()
    error = future.exception(0)
    assert isinstance(error, EngineFailed)
    assert error.code == "engine_out_of_memory"
    assert bench.scheduler.limits == FOUR


def test_fewer_results_than_windows_are_an_error_for_each_window() -> None:
    bench = Bench(FOUR, make=ForgetfulRecognizer)
    line = bench.line()
    futures = [line.submit(window(number)) for number in range(4)]
    bench.pools.run()
    errors = [future.exception(0) for future in futures]
    assert all(isinstance(error, EngineFailed) and error.deterministic for error in errors)
    assert {error.code for error in errors if isinstance(error, EngineFailed)} == {"engine_bad_result"}


@pytest.mark.parametrize("stage", ["prepare", "run", "words"])
def test_a_defect_fails_its_batch_and_no_other(stage: Stage) -> None:
    defect = ZeroDivisionError("defect")
    bench = Bench(FOUR, raising(defect, stage))
    line = bench.line()
    futures = [line.submit(window(number)) for number in range(8)]
    bench.pools.run()
    assert [future.exception(0) for future in futures] == [defect] * 4 + [None] * 4


def test_after_a_loss_only_files_with_a_window_on_the_device_are_to_blame() -> None:
    bench = Bench(Limits((1.0,), (2,)), lost_by(2))
    line = bench.line()
    futures = [line.submit(window(number)) for number in range(10)]
    bench.pools.step("model")
    steps: list[core.pools.Stage] = ["prepare", "model", "prepare", "prepare", "model"]
    for step in steps[:-1]:
        bench.pools.step(step)
    waiting = bench.line().submit(window(20))
    bench.pools.step(steps[-1])
    assert bench.lost == ["the device does not answer"]
    bench.pools.run()
    kinds = [type(future.exception(0)) for future in futures]
    assert kinds == [type(None)] * 2 + [EngineLost] * 8
    assert isinstance(waiting.exception(0), EngineRestarting)
    with pytest.raises(EngineLost):
        line.submit(window(11))
    with pytest.raises(EngineRestarting):
        bench.line().submit(window(12))
    assert len(bench.lost) == 1


@pytest.mark.parametrize("error", [EngineFailed("unreadable"), EngineLost("gone as well")])
def test_words_that_can_no_longer_be_read_after_a_loss_are_neither_retried_nor_told_of(
    error: EngineFailed,
) -> None:
    bench = Bench(Limits((1.0,), (2,)))
    lost, unreadable = lost_by(2), raising(error, "words")

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        lost(stage, windows)
        unreadable(stage, windows)

    bench.recognizer.script = script
    futures = submitted(bench, 4)
    steps: list[core.pools.Stage] = ["model", "prepare", "model", "prepare", "model"]
    for step in steps:
        bench.pools.step(step)
    assert bench.pools.pending == ["words"]
    bench.pools.run()
    assert [future.exception(0) for future in futures[:2]] == [error] * 2
    assert bench.lost == ["the device does not answer"]


def test_a_device_that_is_lost_while_the_model_is_loaded_is_told_of_too() -> None:
    bench = Bench(FOUR, raising(EngineLost("gone"), "ready"))
    future = bench.line().submit(window(1))
    bench.pools.run()
    assert bench.lost == ["gone"]
    assert isinstance(future.exception(0), EngineLost)


def test_the_loss_is_told_before_any_window_fails() -> None:
    bench = Bench(FOUR, lost_by(1))
    order: list[str] = []
    bench.line().submit(window(1)).add_done_callback(lambda _: order.append(f"failed after {bench.lost}"))
    bench.pools.run()
    assert order == ["failed after ['the device does not answer']"]
