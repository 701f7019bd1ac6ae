import math

import pytest
from hypothesis import given

from core.errors import EngineFailed
from core.grid import on_grid, to_ms
from core.transcript import Gap, Transcript, Word
from tests.unit.core.transcripts import in_order, transcript, transcripts, words


@given(transcripts())
def test_every_word_stays_in_order_inside_the_audio_and_has_a_length(heard: Transcript) -> None:
    fitted = on_grid(heard)
    assert len(fitted.words) == len(heard.words)
    assert in_order(fitted.words)
    for word in fitted.words:
        assert 0 <= word.start_s < word.end_s <= heard.duration_s
        assert word.end_s - word.start_s <= 60.0001
        assert len(str(word.start_s).partition(".")[2]) <= 3


@given(transcripts())
def test_fitting_twice_changes_nothing_more(heard: Transcript) -> None:
    once = on_grid(heard)
    assert on_grid(once) == once


@pytest.mark.parametrize(
    ("given_s", "expected_s"),
    [
        ([(0.0006, 0.0014)], [(0.001, 0.002)]),  # rounds to nothing, keeps a millisecond
        ([(0.1, 0.2001), (0.2001, 0.2002)], [(0.1, 0.2), (0.2, 0.201)]),
        ([(0.9992, 0.9994), (0.9994, 0.9996)], [(0.997, 0.998), (0.998, 0.999)]),  # no room behind
        ([(0.0, 0.9996)], [(0.0, 0.999)]),  # would round past the end
    ],
)
def test_words_move_as_little_as_the_grid_allows(
    given_s: list[tuple[float, float]], expected_s: list[tuple[float, float]]
) -> None:
    found = words(*(("x", start_s, end_s) for start_s, end_s in given_s))
    fitted = on_grid(transcript(found, 0.9996)).words
    assert [(word.start_s, word.end_s) for word in fitted] == expected_s


def test_a_word_over_a_minute_keeps_its_first_minute() -> None:
    fitted = on_grid(transcript(words(("silence", 5.0, 200.0), ("next", 200.0, 200.5)))).words
    assert [(word.start_s, word.end_s) for word in fitted] == [(5.0, 65.0), (200.0, 200.5)]


def test_white_space_inside_a_word_becomes_one_space() -> None:
    assert on_grid(transcript(words((" two\r\n\tlines\u2028", 0.0, 1.0)))).text == "two lines"


@pytest.mark.parametrize(
    ("said", "written"), [(math.nan, 0.0), (-1.0, 0.0), (math.inf, 1.0), (0.123456, 0.1235)]
)
def test_confidence_is_a_number_from_0_to_1(said: float, written: float) -> None:
    assert on_grid(transcript((Word("x", 0.0, 1.0, said),))).confidence == written


def test_more_words_than_milliseconds_are_refused_as_the_engines_fault() -> None:
    found = words(*(("secret", at * 1e-4, (at + 1) * 1e-4) for at in range(11)))
    with pytest.raises(EngineFailed, match=r"11 words in 0\.01 s") as failure:
        on_grid(transcript(found, 0.01))
    assert failure.value.code == "engine_bad_result"
    assert failure.value.deterministic
    assert "secret" not in str(failure.value)


def test_a_pause_of_eight_tenths_is_exact_in_milliseconds() -> None:
    assert 9.1 - 8.3 < 0.8
    assert to_ms(9.1) - to_ms(8.3) == 800


def test_gaps_lie_on_the_same_grid_as_words_and_inside_the_audio() -> None:
    gaps = (
        Gap(1.00049, 2.0006, "no_words"),
        Gap(2.0006, 2.0008, "not_decodable"),  # rounds to nothing
        Gap(5.0, 9.9996, "not_decodable"),  # would round past the end
    )
    assert on_grid(Transcript((), 9.9996, "parakeet", "fake", gaps=gaps)).gaps == (
        Gap(1.0, 2.001, "no_words"),
        Gap(5.0, 9.999, "not_decodable"),
    )
