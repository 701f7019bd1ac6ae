from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.windows import WindowSpec, cut
from tests.fakes.oracle import bounds

RATE = 16_000


def ramp(samples: int) -> NDArray[np.int16]:
    return (np.arange(samples) % 65_536 - 32_768).astype(np.int16)


def blocks(samples: NDArray[np.int16], size: int) -> Iterator[NDArray[np.int16]]:
    return (samples[i : i + size] for i in range(0, len(samples), size))


@given(
    total=st.integers(0, 200_000),
    size=st.integers(1_000, 60_000),
    length_s=st.floats(1, 3),
    share=st.floats(0, 0.5),
)
def test_every_window_holds_exactly_its_samples_and_together_they_hold_all(
    total: int, size: int, length_s: float, share: float
) -> None:
    audio, spec = ramp(total), WindowSpec(length_s, length_s * share)
    windows = list(cut(blocks(audio, size), spec))
    covered = 0
    for index, window in enumerate(windows):
        assert window.index == index
        assert window.start <= covered
        assert len(window.samples) == min(spec.length, total)
        expected = audio[window.start :][: len(window.samples)] / np.float32(32_768)
        np.testing.assert_array_equal(window.samples, expected)
        assert window.start == index * spec.step or window is windows[-1]
        assert window.start + len(window.samples) > covered
        covered = window.start + len(window.samples)
    assert covered == total


def test_blocks_of_any_size_give_the_same_windows() -> None:
    audio, spec = ramp(150_000), WindowSpec(2, 0.5)
    at_once = list(cut([audio], spec))
    in_pieces = list(cut(blocks(audio, 777), spec))
    assert [w.start for w in at_once] == [w.start for w in in_pieces]
    for one, other in zip(at_once, in_pieces, strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)


def test_audio_of_exactly_one_window_gives_one_window() -> None:
    (window,) = cut([ramp(2 * RATE)], WindowSpec(2, 1))
    assert (window.start_s, window.end_s) == (0.0, 2.0)


def test_a_tail_of_one_sample_moves_the_last_window_back_to_full_length() -> None:
    first, last = cut([ramp(2 * RATE + 1)], WindowSpec(2, 1))
    assert (first.start, last.start, len(last.samples)) == (0, 1, 2 * RATE)


def test_audio_shorter_than_a_window_gives_one_short_window_and_no_audio_none() -> None:
    (window,) = cut([ramp(100)], WindowSpec(2, 1))
    assert len(window.samples) == 100
    assert list(cut([], WindowSpec(2, 1))) == []


def test_samples_are_floats_from_minus_one_to_below_one() -> None:
    (window,) = cut([np.array([-32_768, 0, 32_767], np.int16)], WindowSpec(2, 1))
    assert window.samples.dtype == np.float32
    assert window.samples.tolist() == [-1.0, 0.0, 32_767 / 32_768]


def test_windows_lie_where_the_oracle_of_the_stitching_test_puts_them() -> None:
    windows = list(cut([ramp(110_000)], WindowSpec(2, 0.5)))
    edges = bounds(110_000 / RATE, 2, 0.5)
    assert [window.start_s for window in windows] == pytest.approx([start_s for start_s, _ in edges])
    assert [window.end_s for window in windows] == pytest.approx([end_s for _, end_s in edges])


@pytest.mark.parametrize(
    ("length_s", "overlap_s", "message"),
    [
        (0.5, 0, "length_s is 0.5, expected 1 to 1800"),
        (2000, 0, "length_s is 2000, expected 1 to 1800"),
        (float("nan"), 0, "length_s is nan, expected 1 to 1800"),
        (10, 5.1, "overlap_s is 5.1 with length_s 10, expected 0 to half the length, 5"),
        (10, -1, "overlap_s is -1 with length_s 10, expected 0 to half the length, 5"),
    ],
)
def test_a_specification_that_cannot_work_is_refused_by_name_and_value(
    length_s: float, overlap_s: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        WindowSpec(length_s, overlap_s)
