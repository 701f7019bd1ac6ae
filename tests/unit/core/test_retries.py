from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.coverage import holes
from core.ports import SAMPLE_RATE_HZ
from core.retries import Place, filled, retries
from core.transcript import Word
from core.windows import Window
from tests.fakes.voices import alone, chatter

RATE = SAMPLE_RATE_HZ


def again(start_s: float, owned_s: tuple[float, float], *heard: Word) -> tuple[Place, Sequence[Word]]:
    """Words by their times in the file, as a place gives them: from its own start."""
    place = Place(round(start_s * RATE), ((round(owned_s[0] * RATE), round(owned_s[1] * RATE)),))
    return place, [word.shifted(-start_s) for word in heard]


def texts(*places: tuple[Place, Sequence[Word]], known: Sequence[Word] = ()) -> list[str]:
    return [word.text for word in filled(known, places, 60.0)]


@pytest.mark.parametrize("silence_s", [0.4, 0.5, 0.6, 1.0])
def test_leading_silence_is_left_out_when_a_window_is_heard_again(silence_s: float) -> None:
    window = alone(chatter((silence_s, 30), seconds=30))
    first = retries(window, holes(window, []))[0]
    assert first.start_s == pytest.approx(silence_s - 0.07, abs=0.035)


def test_what_sounds_before_a_hole_is_its_context() -> None:
    window = alone(chatter((5, 25), seconds=30))
    (stretch,) = retries(window, [(10 * RATE, 16 * RATE)])
    assert stretch.start_s == pytest.approx(9, abs=0.05)
    assert len(stretch.samples) == pytest.approx(8 * RATE, abs=800)
    assert stretch.owned == ((10 * RATE, 16 * RATE),)


def test_a_pause_right_before_a_hole_is_not_its_context() -> None:
    window = alone(chatter((5, 9.2), (10, 16), seconds=30))
    (stretch,) = retries(window, [(10 * RATE, 16 * RATE)])
    assert stretch.start_s == pytest.approx(9.0, abs=0.03)
    (stretch,) = retries(alone(chatter((5, 8.9), (10, 16), seconds=30)), [(10 * RATE, 16 * RATE)])
    assert stretch.start_s == pytest.approx(9.9, abs=0.03)


@given(begin_s=st.floats(0, 20), length_s=st.floats(3, 40), seconds=st.floats(4, 40))
@settings(deadline=None)
def test_stretches_are_at_most_half_the_window_and_share_out_all_of_the_hole(
    begin_s: float, length_s: float, seconds: float
) -> None:
    audio = chatter((0, 7), (7.8, 40), seconds=seconds)
    window = Window(3, 5 * RATE, audio, 5 * RATE, 5 * RATE + len(audio))
    begin = window.start + min(round(begin_s * RATE), len(audio) - 3 * RATE)
    end = min(begin + round(length_s * RATE), window.end)
    stretches = retries(window, [(begin, end)])
    owned = [span for stretch in stretches for span in stretch.owned]
    assert owned[0][0] == begin
    assert owned[-1][1] == end
    assert all(one[1] == two[0] for one, two in pairwise(owned))
    for stretch in stretches:
        (first, last) = stretch.owned[0][0], stretch.owned[-1][1]
        assert stretch.start < last <= stretch.start + len(stretch.samples)
        assert not audio[first - window.start : stretch.start - window.start].max(initial=0) > 400
        assert RATE / 10 < len(stretch.samples) <= len(audio) // 2 + 1
        inside = stretch.start - window.start
        np.testing.assert_array_equal(stretch.samples, audio[inside : inside + len(stretch.samples)])
        assert stretch.samples.base is None


def test_a_long_hole_is_divided_in_a_pause() -> None:
    window = alone(chatter((0, 14), (14.6, 30), seconds=30))
    assert 14 < retries(window, [(5 * RATE, 24 * RATE)])[0].owned[0][1] / RATE < 14.6


def test_holes_with_a_stray_word_between_them_are_heard_again_in_one() -> None:
    window = alone(chatter((0, 30), seconds=30))
    stretches = retries(window, [(5 * RATE, 9 * RATE), (10 * RATE, 14 * RATE), (17 * RATE, 21 * RATE)])
    assert [stretch.owned for stretch in stretches] == [
        ((5 * RATE, 9 * RATE), (10 * RATE, 14 * RATE)),
        ((17 * RATE, 21 * RATE),),
    ]
    assert len(stretches[0].samples) == pytest.approx(11 * RATE, abs=800)


@given(st.lists(st.tuples(st.floats(3, 30), st.floats(0.5, 8)), min_size=1, max_size=12))
@settings(deadline=None)
def test_however_many_holes_there_are_a_window_is_heard_once_again_and_a_quarter_at_most(
    holes_and_pauses_s: list[tuple[float, float]],
) -> None:
    window = alone(chatter((0, 40), seconds=40))
    found, at = [], 0
    for hole_s, pause_s in holes_and_pauses_s:
        end = min(at + round(hole_s * RATE), window.end)
        if end - at > RATE:
            found.append((at, end))
        at = end + round(pause_s * RATE)
    stretches = retries(window, found)
    assert sum(len(stretch.samples) for stretch in stretches) <= 1.25 * len(window.samples)
    owned = [span for stretch in stretches for span in stretch.owned]
    assert sum(end - begin for begin, end in owned) == sum(end - begin for begin, end in found)


def test_a_word_between_two_holes_of_one_stretch_is_not_taken_again() -> None:
    place = Place(9 * RATE, ((10 * RATE, 14 * RATE), (16 * RATE, 20 * RATE)))
    heard = [Word("lost", 2, 2.4), Word("other", 5.8, 6.2), Word("found", 8, 8.4)]
    assert texts((place, heard), known=[Word("stray", 14.3, 14.6)]) == ["lost", "stray", "found"]


def test_new_words_are_put_where_they_were_said() -> None:
    known = [Word("before", 9, 9.5), Word("after", 16, 16.5)]
    heard = again(9.0, (10.0, 15.5), Word("lost", 11, 11.4), Word("and", 12, 12.4), Word("found", 14, 14.5))
    assert texts(heard, known=known) == ["before", "lost", "and", "found", "after"]
    assert filled(known, [heard], 60.0)[1].start_s == pytest.approx(11)


def test_words_outside_of_the_hole_are_not_taken() -> None:
    heard = again(
        9.0, (10.0, 15.0), Word("context", 9.5, 9.9), Word("new", 12, 12.5), Word("late", 15.1, 15.4)
    )
    assert texts(heard) == ["new"]


def test_a_word_that_is_known_is_not_doubled_though_its_middle_moved_into_the_hole() -> None:
    known = [Word("Before,", 9.6, 9.9), Word("after", 15.05, 15.45)]
    heard = again(
        9.0, (10.0, 15.0), Word("before", 9.9, 10.2), Word("new", 12, 12.5), Word("After.", 14.8, 15.1)
    )
    assert texts(heard, known=known) == ["Before,", "new", "after"]


def test_a_word_that_is_said_again_right_after_a_known_one_is_new() -> None:
    known = [Word("two", 9.6, 9.9)]
    heard = again(9.0, (10.0, 15.0), Word("two", 9.62, 9.92), Word("two", 10.0, 10.25), Word("go", 11, 11.4))
    assert texts(heard, known=known) == ["two", "two", "go"]


def test_a_sound_that_is_known_by_another_reading_is_not_taken() -> None:
    known = [Word("gonna", 9.8, 10.3)]
    heard = again(9.0, (10.0, 15.0), Word("going", 9.9, 10.2), Word("to", 10.4, 10.6))
    assert texts(heard, known=known) == ["gonna", "to"]


def test_a_word_on_the_border_of_two_stretches_is_taken_once() -> None:
    one = again(9.0, (10.0, 15.0), Word("border", 14.7, 15.2))
    two = again(14.0, (15.0, 20.0), Word("border", 14.9, 15.4), Word("next", 16, 16.4))
    assert texts(one, two) == ["border", "next"]


def test_nothing_heard_again_leaves_the_words_as_they_were() -> None:
    known = (Word("a", 1, 2), Word("b", 2, 3))
    assert filled(known, [again(9.0, (10.0, 15.0))], 60.0) == known
    assert filled([], [], 60.0) == ()
