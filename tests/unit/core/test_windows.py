from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.ports import Block
from core.windows import Window, WindowSpec, cut, quietest

RATE = 16_000
Samples = NDArray[np.int16]


def noise(seconds: float, amplitude: int = 8_000, seed: int = 1) -> Samples:
    drawn = np.random.default_rng(seed).integers(-amplitude, amplitude, round(seconds * RATE), endpoint=True)
    return drawn.astype(np.int16)


def uneven(samples: int, seed: int) -> Samples:
    """Noise that is as often quiet as loud, in turns of 0.3 s."""
    audio = noise(samples / RATE, seed=seed)
    turn = round(0.3 * RATE)
    quiet = np.random.default_rng(seed).random(samples // turn + 1) < 0.5
    audio[np.repeat(quiet, turn)[:samples]] //= 100
    return audio


def with_pauses(seconds: float, *pauses_s: tuple[float, float]) -> Samples:
    audio = noise(seconds)
    for start_s, end_s in pauses_s:
        audio[round(start_s * RATE) : round(end_s * RATE)] //= 100
    return audio


def blocks(samples: Samples, sizes: Iterable[int] = (100_000,)) -> Iterator[Block]:
    """The samples in blocks of these sizes, the last size over and over."""
    size, rest = 0, iter(sizes)
    begin = 0
    while begin < len(samples):
        size = next(rest, size)
        yield Block(samples[begin : begin + size])
        begin += size


def windows_of(samples: Samples, spec: WindowSpec) -> list[Window]:
    return list(cut(blocks(samples), spec))


def cuts(windows: Sequence[Window]) -> list[float]:
    return [round(window.cut_s, 2) for window in windows[1:]]


SPECS = st.builds(
    lambda length_s, share, search_s: WindowSpec(length_s, length_s * share, search_s),
    st.floats(1, 4),
    st.sampled_from([0.0, 0.5]) | st.floats(0, 0.5),
    st.sampled_from([0.0, 3.0]) | st.floats(0, 3),
)
RAGGED = st.lists(st.integers(1, 40_000), min_size=1, max_size=8)


@given(total=st.integers(1, 250_000), seed=st.integers(0, 99), sizes=RAGGED, spec=SPECS)
@settings(deadline=None)
def test_every_sample_lies_in_one_core_and_a_window_is_its_core_with_context(
    total: int, seed: int, sizes: list[int], spec: WindowSpec
) -> None:
    audio = uneven(total, seed)
    windows = list(cut(blocks(audio, sizes), spec))
    assert (windows[0].core_start, windows[-1].core_end) == (0, total)
    for index, window in enumerate(windows):
        assert window.index == index
        assert window.start == max(window.core_start - spec.context, 0)
        assert window.end == min(window.core_end + spec.context, total)
        assert window.core_start < window.core_end
        assert len(window.samples) <= spec.length
        assert window.samples.dtype == np.int16
        np.testing.assert_array_equal(window.samples, audio[window.start : window.end])
    assert all(before.core_end == after.core_start for before, after in pairwise(windows))


@given(total=st.integers(1, 250_000), seed=st.integers(0, 99), spec=SPECS)
@settings(deadline=None)
def test_windows_that_are_no_neighbours_share_nothing_and_none_is_tiny(
    total: int, seed: int, spec: WindowSpec
) -> None:
    windows = windows_of(uneven(total, seed), spec)
    assert all(one.end <= other.start for one, other in zip(windows, windows[2:], strict=False))
    assert all(len(window.samples) > 0.37 * spec.length for window in windows) or len(windows) == 1
    assert len(windows) == 1 or total > spec.length


@given(total=st.integers(1, 200_000), seed=st.integers(0, 99), sizes=RAGGED, spec=SPECS)
@settings(deadline=None)
def test_how_the_stream_is_divided_into_blocks_changes_nothing(
    total: int, seed: int, sizes: list[int], spec: WindowSpec
) -> None:
    audio = uneven(total, seed)
    one, other = windows_of(audio, spec), list(cut(blocks(audio, sizes), spec))
    assert [(w.start, w.core_start, w.core_end, len(w.samples)) for w in one] == [
        (w.start, w.core_start, w.core_end, len(w.samples)) for w in other
    ]


def test_the_cut_lies_in_the_pause_of_the_search_range() -> None:
    audio = with_pauses(30, (5.0, 5.6), (7.0, 7.5), (14.2, 14.8))
    found = windows_of(audio, WindowSpec(10, 2, 2.5))
    assert 7.1 < found[1].cut_s < 7.4  # looked for from 6.5 to 9 s, which leaves the first pause out
    assert 14.3 < found[2].cut_s < 14.7


def test_of_pauses_about_as_quiet_the_latest_is_taken() -> None:
    audio = with_pauses(30, (7.0, 7.5), (8.2, 8.7))
    assert 8.3 < windows_of(audio, WindowSpec(10, 2, 2.5))[1].cut_s < 8.6


def test_a_clearly_quieter_pause_wins_over_a_later_one() -> None:
    audio = with_pauses(30, (7.0, 7.5))
    audio[round(8.2 * RATE) : round(8.7 * RATE)] //= np.int16(10)
    assert 7.1 < windows_of(audio, WindowSpec(10, 2, 2.5))[1].cut_s < 7.4


def test_below_hearing_all_places_are_as_quiet() -> None:
    audio = np.zeros(30 * RATE, np.int16)
    audio[8 * RATE :: 3] = 20  # -69 dBFS behind 8 s of digital silence
    assert cuts(windows_of(audio, WindowSpec(10, 2, 2.5)))[0] == 9.0


@pytest.mark.parametrize("level", [0, 20_000, 32_767])
def test_in_silence_and_in_an_even_tone_windows_are_full(level: int) -> None:
    tone = (level * np.sign(np.sin(np.arange(60 * RATE) * 2 * np.pi * 200 / RATE))).astype(np.int16)
    found = windows_of(tone, WindowSpec(10, 2))
    assert cuts(found)[:3] == pytest.approx([9.0, 17.0, 25.0], abs=0.025)


def test_an_offset_is_not_sound() -> None:
    audio = with_pauses(30, (7.0, 7.5))
    audio[round(6.8 * RATE) : round(7.6 * RATE)] += np.int16(20_000)
    assert 7.1 < windows_of(audio, WindowSpec(10, 2, 2.5))[1].cut_s < 7.4


def test_what_is_left_for_two_windows_is_shared_between_them() -> None:
    for total_s in (10.01, 11.0, 14.9):
        one, two = windows_of(noise(total_s), WindowSpec(10, 2))
        assert one.core_end / RATE == pytest.approx(total_s / 2, abs=1.3)
        assert len(two.samples) / RATE > 5 / 2 + 1


def test_audio_of_exactly_one_window_gives_one_window() -> None:
    (window,) = windows_of(noise(2), WindowSpec(2, 1))
    assert (window.start_s, window.cut_s, window.end_s) == (0.0, 0.0, 2.0)


def test_one_sample_gives_a_window_of_one_sample_and_no_audio_none() -> None:
    (window,) = windows_of(np.ones(1, np.int16), WindowSpec(2, 1))
    assert (window.samples.tolist(), window.core_start, window.core_end) == ([1], 0, 1)
    assert list(cut([], WindowSpec())) == []
    assert list(cut([Block(np.zeros(0, np.int16))], WindowSpec())) == []


def test_a_window_keeps_its_samples_when_the_next_are_read() -> None:
    audio = noise(30)
    stream = cut(blocks(audio), WindowSpec(10, 2))
    first = next(stream)
    held = first.samples.copy()
    assert first.samples.base is None
    list(stream)
    np.testing.assert_array_equal(first.samples, held)


@given(sizes=st.lists(st.integers(1, 60_000), min_size=1, max_size=20), chance=st.integers(0, 2**20))
@settings(deadline=None)
def test_holes_are_the_stretches_of_each_core_that_could_not_be_decoded(
    sizes: list[int], chance: int
) -> None:
    broken = [bool(chance >> i & 1) for i in range(len(sizes))]
    read = [Block(np.zeros(size, np.int16), hole) for size, hole in zip(sizes, broken, strict=True)]
    expected = np.concatenate([np.full(size, hole) for size, hole in zip(sizes, broken, strict=True)])
    found = np.zeros(sum(sizes), bool)
    for window in cut(read, WindowSpec(2, 0.5)):
        for start, end in window.holes:
            assert window.core_start <= start < end <= window.core_end
            assert not found[start:end].any()
            found[start:end] = True
        assert all(one[1] < other[0] for one, other in pairwise(window.holes))
    np.testing.assert_array_equal(found, expected)


def test_the_search_is_at_most_a_quarter_of_a_window() -> None:
    assert WindowSpec(40, 4).search == 6 * RATE
    assert WindowSpec(10, 4).search == 2.5 * RATE


def test_too_few_samples_for_a_level_give_the_last_place() -> None:
    assert quietest(np.zeros(100, np.int16), 20, 60) == 60


@pytest.mark.parametrize(
    ("length_s", "overlap_s", "search_s", "message"),
    [
        (0.5, 0, 6, "length_s is 0.5, expected 1 to 1800"),
        (2000, 0, 6, "length_s is 2000, expected 1 to 1800"),
        (float("nan"), 0, 6, "length_s is nan, expected 1 to 1800"),
        (10, 5.1, 6, "overlap_s is 5.1 with length_s 10, expected 0 to half the length, 5"),
        (10, -1, 6, "overlap_s is -1 with length_s 10, expected 0 to half the length, 5"),
        (10, 2, -1, "search_s is -1, expected 0 to 1800"),
        (10, 2, float("nan"), "search_s is nan, expected 0 to 1800"),
    ],
)
def test_a_specification_that_cannot_work_is_refused_by_name_and_value(
    length_s: float, overlap_s: float, search_s: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        WindowSpec(length_s, overlap_s, search_s)
