import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.throughput import Meter, Stats, weighted_median


def heard(meter: Meter, start_s: float, end_s: float, audio_s: float) -> None:
    meter.started(start_s, start_s)
    meter.heard(1, 1, audio_s, audio_s, meter.stopped(start_s, end_s))


def test_a_slow_first_batch_and_small_last_ones_do_not_move_the_speed() -> None:
    meter = Meter()
    heard(meter, 0, 100, 100)
    for second in range(100, 110):
        heard(meter, second, second + 1, 100)
    for second in range(110, 115):
        heard(meter, second, second + 1, 5)
    assert meter.rtfx == 100


def test_the_speed_follows_the_last_batches() -> None:
    meter = Meter()
    for second in range(100):
        heard(meter, second, second + 1, 100 if second < 60 else 50)
    assert meter.rtfx == 50


def test_time_that_two_batches_share_counts_once() -> None:
    meter = Meter()
    meter.started("a", 10)
    meter.started("b", 11)
    assert meter.stopped("a", 14) == pytest.approx(1 + 3 / 2)
    assert meter.stopped("b", 15) == pytest.approx(3 / 2 + 1)
    assert meter.stats.busy_s == pytest.approx(5)


def test_idle_time_is_not_busy() -> None:
    meter = Meter()
    heard(meter, 0, 1, 10)
    heard(meter, 50, 51, 10)
    assert meter.stats.busy_s == 2


def test_nothing_heard_has_no_speed_and_no_fill() -> None:
    assert Meter().rtfx is None
    assert (Stats().fill, Stats().padded_share) == (0, 0)


@given(st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0.1, 1e4)), min_size=1))
def test_at_least_half_of_the_weight_lies_on_each_side_of_the_median(
    weighted: list[tuple[float, float]],
) -> None:
    median = weighted_median(weighted)
    total = sum(weight for _, weight in weighted)
    assert sum(weight for value, weight in weighted if value <= median) >= total / 2 * (1 - 1e-9)
    assert sum(weight for value, weight in weighted if value >= median) >= total / 2 * (1 - 1e-9)
