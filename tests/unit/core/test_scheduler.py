from concurrent.futures import CancelledError, wait

import numpy as np
import pytest

from core.batching import Limits
from core.errors import EngineFailed, EngineRestarting
from tests.fakes.recognizer import (
    Samples,
)
from tests.unit.core.scheduled import FOUR, Bench, raising, window, words_of


def test_every_window_gets_its_own_words_in_whole_batches() -> None:
    bench = Bench(FOUR)
    line = bench.line()
    futures = [line.submit(window(number)) for number in range(10)]
    bench.pools.run()
    assert [future.result(0) for future in futures] == [words_of(number) for number in range(10)]
    assert [len(batch) for batch in bench.recognizer.batches] == [4, 4, 2]


def test_jobs_share_batches_in_turn() -> None:
    bench = Bench(FOUR)
    long, short = bench.line(), bench.line()
    for number in range(10):
        long.submit(window(number))
    short.submit(window(100))
    bench.pools.run()
    assert bench.ran()[0] == [0, 100, 1, 2]


def test_the_model_is_loaded_once_by_the_first_window() -> None:
    bench = Bench(FOUR)
    assert bench.seen == []
    assert bench.scheduler.limits is None
    bench.line().submit(window(1))
    bench.line().submit(window(2))
    bench.pools.run()
    assert [stage for stage, _ in bench.seen].count("ready") == 1
    assert bench.scheduler.limits == FOUR


@pytest.mark.parametrize("error", [EngineFailed("no model"), KeyError("defect")])
def test_where_loading_fails_the_waiting_windows_fail_and_the_next_one_tries_again(error: Exception) -> None:
    bench = Bench(FOUR, raising(error, "ready"))
    line = bench.line()
    failed = [line.submit(window(number)) for number in range(6)]
    bench.pools.run()
    assert [future.exception(0) for future in failed] == [error] * 6
    again = line.submit(window(7))
    bench.pools.run()
    assert again.result(0) == words_of(7)


def test_the_next_batch_is_chosen_when_the_copying_thread_is_free_and_not_before() -> None:
    bench = Bench(Limits((1.0,), (1,)))
    line = bench.line()
    for number in range(5):
        line.submit(window(number))
    bench.pools.step("model")  # loads
    line.submit(window(5))
    assert bench.pools.pending == ["prepare"]
    bench.pools.step("prepare")
    assert sorted(bench.pools.pending) == ["model", "prepare"]
    bench.pools.step("prepare")
    assert bench.pools.pending == ["model", "model"]  # workers + 1 batches before the model is done
    bench.pools.step("model")
    assert sorted(bench.pools.pending) == ["model", "prepare", "words"]


def test_words_that_are_built_slowly_hold_the_next_batches_back() -> None:
    bench = Bench(Limits((1.0,), (1,)))
    line = bench.line()
    for number in range(9):
        line.submit(window(number))
    while steps := [stage for stage in bench.pools.pending if stage != "words"]:
        bench.pools.step(steps[0])
    assert bench.pools.pending.count("words") == 3
    bench.pools.run()
    assert len(bench.recognizer.batches) == 9


def test_several_workers_get_a_pool_of_as_many_threads() -> None:
    bench = Bench(Limits((1.0,), (1,), workers=3))
    bench.line().submit(window(1))
    bench.pools.run()
    assert bench.pools.made[-1] == ("model", 3)


def test_leaving_a_line_cancels_what_waits_and_leaves_the_others() -> None:
    bench = Bench(Limits((1.0,), (1,)))
    other = bench.line().submit(window(1))
    with bench.scheduler.line("left") as line:
        futures = [line.submit(window(number)) for number in (2, 3)]
    assert all(future.cancelled() for future in futures)
    assert wait(futures, timeout=0).done == set(futures)
    with pytest.raises(CancelledError):
        line.submit(window(4))
    bench.pools.run()
    assert other.result(0) == words_of(1)
    assert bench.ran() == [[1]]


def test_halves_of_a_failed_batch_are_not_heard_when_nobody_waits_for_them() -> None:
    bench = Bench(FOUR, raising(EngineFailed("once"), "run"))
    with bench.scheduler.line("left") as line:
        futures = [line.submit(window(number)) for number in range(4)]
        bench.pools.step("model")
        bench.pools.step("prepare")
        bench.pools.step("model")
    bench.pools.run()
    # Half of them had been taken up again when the line was left, and is dropped before it runs.
    assert all(isinstance(future.exception(0), CancelledError) for future in futures)
    assert bench.ran() == [[0, 1, 2, 3]]


def test_a_window_that_its_caller_cancels_is_not_heard() -> None:
    bench = Bench(Limits((1.0,), (1,)))
    line = bench.line()
    futures = [line.submit(window(number)) for number in range(3)]
    assert futures[1].cancel()
    bench.pools.run()
    assert bench.ran() == [[0], [2]]


def test_closing_ends_what_works_and_refuses_what_waits() -> None:
    bench = Bench(FOUR)
    line = bench.line()
    future = line.submit(window(1))
    bench.pools.run()
    bench.scheduler.close()
    assert future.result(0) == words_of(1)
    with pytest.raises(EngineRestarting):
        line.submit(window(2))
    bench.scheduler.close()


def test_where_no_thread_starts_any_more_the_window_fails() -> None:
    bench = Bench(FOUR)
    bench.pools.refuse()
    future = bench.line().submit(window(1))
    assert isinstance(future.exception(0), RuntimeError)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((2, 16_000), np.int16),
        np.zeros(16_000, np.float32),
        np.zeros(1_599, np.int16),
        np.zeros(0, np.int16),
    ],
)
def test_what_is_no_window_is_refused_at_the_door(samples: Samples) -> None:
    with pytest.raises(ValueError, match="a window of job"):
        Bench(FOUR).line().submit(samples)


def test_the_wait_is_predicted_from_all_that_is_ahead() -> None:
    bench = Bench(Limits((1.0,), (1,)), assumed_rtfx=0.5)
    assert bench.scheduler.predicted_wait_s == 0
    line = bench.line()
    for number in range(3):
        line.submit(window(number))
    assert bench.scheduler.predicted_wait_s == 6
    bench.pools.step("model")
    assert bench.scheduler.waiting_s == 2
    assert bench.scheduler.predicted_wait_s == 6  # one is being prepared


def test_no_wait_is_predicted_before_a_speed_is_known() -> None:
    assert Bench(FOUR).scheduler.predicted_wait_s is None


def test_the_stats_tell_how_full_and_how_padded_the_batches_were() -> None:
    bench = Bench(Limits((2.0,), (4,)))

    def take_time(stage: str, windows: object) -> None:
        if stage == "run":
            bench.clock.advance(0.5)

    bench.recognizer.script = take_time
    line = bench.line()
    for number in range(6):
        line.submit(window(number, 1.5))
    bench.pools.run()
    stats = bench.scheduler.stats
    assert (stats.batches, stats.windows, stats.audio_s, stats.padded_s) == (2, 6, 9.0, 12.0)
    assert (stats.fill, stats.padded_share, stats.busy_s) == (0.75, 0.25, 1.0)
    assert bench.scheduler.predicted_wait_s == 0
    line.submit(window(7, 1.2))
    assert bench.scheduler.predicted_wait_s == pytest.approx(0.1)


def test_each_line_is_told_what_the_model_worked_for_it_by_its_share_of_the_audio() -> None:
    def take_time(stage: str, windows: object) -> None:
        bench.clock.advance({"run": 0.8, "prepare": 5.0, "ready": 60.0}.get(stage, 0.0))

    bench = Bench(Limits((2.0,), (2,)), take_time)
    one, two, idle = bench.line("one"), bench.line("two"), bench.line("idle")
    one.submit(window(1, 2.0))
    for number in range(2):
        two.submit(window(number, 1.0))
    bench.pools.run()
    assert bench.ran() == [[1, 0], [1]]
    # The first batch is shared by audio; waiting, copying and loading cost nobody anything.
    assert one.work_s() == pytest.approx(0.8 * 2 / 3)
    assert two.work_s() == pytest.approx(0.8 / 3 + 0.8)
    assert idle.work_s() == 0


def test_a_batch_that_failed_is_no_work_for_a_line_and_one_heard_again_is() -> None:
    def fails_once(stage: str, windows: object) -> None:
        if stage == "run":
            bench.clock.advance(1.0)
            if len(bench.ran()) == 1:
                raise EngineFailed("once")

    bench = Bench(Limits((1.0,), (2,)), fails_once)
    line = bench.line()
    for number in range(2):
        line.submit(window(number))
    bench.pools.run()
    assert bench.ran() == [[0, 1], [0], [1]]
    assert line.work_s() == pytest.approx(2.0)
