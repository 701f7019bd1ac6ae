from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.coverage import gaps, holes
from core.ports import SAMPLE_RATE_HZ, Block
from core.transcript import Gap, Word
from core.windows import Span, Window, WindowSpec, cut
from tests.fakes.voices import Samples, alone, chatter, hum, noise, whole

RATE = SAMPLE_RATE_HZ


def seconds(spans: list[Span]) -> list[tuple[float, float]]:
    return [(round(begin / RATE, 1), round(end / RATE, 1)) for begin, end in spans]


def samples(*spans_s: tuple[float, float]) -> list[Span]:
    return [(round(start_s * RATE), round(end_s * RATE)) for start_s, end_s in spans_s]


def words(*spans_s: tuple[float, float]) -> list[Word]:
    """A word every 0.4 s."""
    return [
        Word("a", float(at), float(at) + 0.3)
        for start_s, end_s in spans_s
        for at in np.arange(start_s, end_s, 0.4)
    ]


def test_speech_without_words_is_a_hole_from_its_first_sound_to_its_last() -> None:
    window = alone(chatter((5, 10), (15, 25), seconds=30))
    assert seconds(holes(window, [])) == [(5.0, 10.0), (15.0, 25.0)]
    assert holes(window, words((5, 10), (15, 25))) == []


def test_a_hole_lies_between_the_words_that_were_heard() -> None:
    window = alone(chatter((5, 25), seconds=30))
    assert holes(window, words((5, 10), (13.3, 25))) == []
    ((begin_s, end_s),) = seconds(holes(window, words((5, 10), (15, 25))))
    assert begin_s == pytest.approx(10.35, abs=0.1)
    assert end_s == pytest.approx(14.75, abs=0.1)


def test_three_seconds_of_speech_without_words_are_not_yet_a_hole() -> None:
    assert holes(alone(chatter((5, 7.9), seconds=30)), []) == []
    assert len(holes(alone(chatter((5, 8.2), seconds=30)), [])) == 1


def test_pauses_between_sentences_do_not_hide_a_hole_and_long_ones_divide() -> None:
    sentences = [(5.0, 7.0), (8.2, 10.2)]
    assert seconds(holes(alone(chatter(*sentences, seconds=30)), [])) == [(5.0, 10.2)]
    assert holes(alone(chatter((5, 7), (9, 11), seconds=30)), []) == []


def test_a_word_between_two_short_sounds_keeps_them_apart() -> None:
    window = alone(chatter((5, 7), (8.2, 10.2), seconds=30))
    assert holes(window, [Word("a", 7.4, 7.8)]) == []


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(30 * RATE, np.int16),
        np.full(30 * RATE, 9_000, np.int16),
        *(hum(frequency_hz, seconds=30) for frequency_hz in (50, 60, 120, 440, 1_000)),
        *(noise(exponent, seconds=30) for exponent in (0, 1, 2)),
        whole(1e6 * hum(200, seconds=30)),
        chatter((0, 30), seconds=30) // np.int16(200),
    ],
)
@pytest.mark.parametrize("span_s", [(0, 30), (10, 20)])
def test_what_nobody_says_is_no_hole(sound: Samples, span_s: tuple[int, int]) -> None:
    only = np.zeros_like(sound)
    only[span_s[0] * RATE : span_s[1] * RATE] = sound[span_s[0] * RATE : span_s[1] * RATE]
    assert holes(alone(only), []) == []


def test_speech_over_noise_is_still_found() -> None:
    spoken = chatter((10, 16), seconds=30) + noise(0, seconds=30) // np.int16(4)
    ((begin_s, end_s),) = seconds(holes(alone(spoken), []))
    assert (begin_s, 15.7 <= end_s <= 16.0) == (10.0, True)


def test_clipped_speech_is_still_found() -> None:
    spoken = whole(20.0 * chatter((10, 16), seconds=30))
    assert seconds(holes(alone(spoken), [])) == [(10.0, 16.0)]


@pytest.mark.parametrize("count", [0, 1, 319, 320, 3 * RATE])
def test_audio_too_short_for_a_hole_has_none(count: int) -> None:
    assert holes(alone(chatter((0, 9), seconds=9)[:count]), []) == []


@pytest.mark.parametrize(
    ("speech_s", "found_s"),
    [
        ((17, 20.5), [[(17.0, 20.5)], []]),  # the middle before the cut, seen whole by both
        ((17, 21.2), [[(17.0, 21.2)], []]),
        ((19.5, 23), [[], [(19.5, 23.0)]]),
        ((17, 24), [[(17.0, 20.0)], [(20.0, 24.0)]]),  # neither sees all of it
        ((17, 22.2), [[(17.0, 20.0)], [(20.0, 22.2)]]),
        ((5, 35), [[(5.0, 20.0)], [(20.0, 35.0)]]),
    ],
)
def test_a_hole_in_two_windows_is_reported_once(
    speech_s: tuple[float, float], found_s: list[list[tuple[float, float]]]
) -> None:
    audio = chatter(speech_s, seconds=40)
    one = Window(0, 0, audio[: 22 * RATE], 0, 20 * RATE)
    two = Window(1, 18 * RATE, audio[18 * RATE :], 20 * RATE, 40 * RATE)
    assert [seconds(holes(window, [])) for window in (one, two)] == found_s


@given(
    begin_s=st.floats(0, 50),
    length_s=st.floats(3.2, 30),
    length=st.floats(12, 40),
    overlap_s=st.floats(3.7, 5),
)
@settings(max_examples=60, deadline=None)
def test_together_windows_report_a_hole_whole_and_no_part_of_it_twice(
    begin_s: float, length_s: float, length: float, overlap_s: float
) -> None:
    audio = chatter((begin_s, begin_s + length_s), seconds=60)
    spec = WindowSpec(length, overlap_s)
    found = sorted(span for window in cut([Block(audio)], spec) for span in holes(window, []))
    assert found
    assert all(one[1] <= two[0] for one, two in pairwise(found))
    assert found[0][0] / RATE == pytest.approx(begin_s, abs=0.1)
    assert found[-1][1] / RATE == pytest.approx(min(begin_s + length_s, 60), abs=0.1)
    assert all(one[1] == two[0] for one, two in pairwise(found))


def test_what_stays_without_words_for_more_than_three_seconds_is_a_gap() -> None:
    found = samples((10, 20), (30, 33.5))
    heard = [Word("a", 14.0, 15.0), Word("b", 32.0, 32.5)]
    assert gaps(heard, found, [], 60.0) == (
        Gap(10.0, 13.75, "no_words"),
        Gap(15.25, 20.0, "no_words"),
    )
    assert gaps(words((10, 20), (30, 34)), found, [], 60.0) == ()


def test_parts_of_a_hole_on_both_sides_of_a_cut_are_one_gap() -> None:
    assert gaps([], samples((18, 20), (20, 22)), [], 60.0) == (Gap(18.0, 22.0, "no_words"),)


def test_broken_audio_is_a_gap_when_a_word_may_have_been_in_it() -> None:
    broken = samples((1, 1.5), (5, 5.4), (5.4, 5.6), (59, 60))
    assert gaps([], [], broken, 60.0) == (
        Gap(5.0, 5.6, "not_decodable"),
        Gap(59.0, 60.0, "not_decodable"),
    )


def test_gaps_of_both_kinds_are_in_order_and_do_not_overlap() -> None:
    assert gaps([], samples((1, 10), (20, 24)), samples((4.5, 6), (23, 30)), 27.5) == (
        Gap(1.0, 4.5, "no_words"),
        Gap(4.5, 6.0, "not_decodable"),
        Gap(6.0, 10.0, "no_words"),
        Gap(23.0, 27.5, "not_decodable"),
    )
