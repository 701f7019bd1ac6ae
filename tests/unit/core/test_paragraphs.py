import pytest
from hypothesis import given

from core.grid import on_grid
from core.paragraphs import paragraphs, sentences
from core.transcript import Segment, Transcript, Word
from tests.unit.core.transcripts import steady, transcripts, words


def texts(found: tuple[Segment, ...]) -> list[str]:
    return [segment.text for segment in found]


def test_a_sentence_ends_at_its_punctuation_and_the_last_one_at_the_end() -> None:
    found = steady("Is it? Yes! He said “no.” Well… then", each_s=0.3)
    assert texts(sentences(found)) == ["Is it?", "Yes!", "He said “no.”", "Well…", "then"]


@pytest.mark.parametrize(("pause_start_s", "expected"), [(9.1, ["a", "b"]), (9.099, ["a b"])])
def test_a_sentence_ends_at_a_pause_of_exactly_eight_tenths(
    pause_start_s: float, expected: list[str]
) -> None:
    found = words(("a", 8.0, 8.3), ("b", pause_start_s, 10.0))
    assert texts(sentences(found)) == expected
    assert texts(paragraphs(found)) == expected


def test_no_words_give_no_sentences_and_no_paragraphs() -> None:
    assert sentences(()) == ()
    assert paragraphs(()) == ()


def test_a_paragraph_ends_after_six_sentences() -> None:
    found = steady("a. b. c. d. e. f. g.", each_s=0.5)
    assert texts(paragraphs(found)) == ["a. b. c. d. e. f.", "g."]


def test_a_paragraph_that_reached_twenty_seconds_ends_with_its_sentence() -> None:
    found = steady("a b. c d e f. g h.", each_s=4.0)
    assert texts(paragraphs(found)) == ["a b. c d e f.", "g h."]


def test_twenty_seconds_sharp_are_reached() -> None:
    assert texts(paragraphs(steady("a b. c d e. f.", each_s=4.0))) == ["a b. c d e.", "f."]
    assert texts(paragraphs(steady("a b. c d e. f.", each_s=3.999))) == ["a b. c d e. f."]


def test_text_without_punctuation_breaks_at_the_word_that_reached_twenty_seconds() -> None:
    found = steady("a b c d e f g h", each_s=6.0)
    assert texts(paragraphs(found)) == ["a b c d", "e f g h"]


def test_a_run_without_punctuation_fills_the_paragraph_it_begins_in() -> None:
    found = (*steady("a b.", each_s=5.0), *steady("c d e f g h", each_s=5.0, start_s=10.0))
    assert texts(paragraphs(found)) == ["a b. c d", "e f g h"]


def test_a_pause_in_the_midst_of_a_short_run_does_not_tear_the_run_before_it() -> None:
    found = (*steady("a b.", each_s=9.0), *steady("c d e", each_s=2.0, start_s=18.0))
    later = Word("f.", 25.0, 26.0)
    assert texts(paragraphs((*found, later))) == ["a b. c d e", "f."]


def test_a_sentence_that_would_pass_a_minute_starts_a_paragraph() -> None:
    found = (*steady("a b.", each_s=5.0), *steady("c d e f g.", each_s=10.1, start_s=10.0))
    assert texts(paragraphs(found)) == ["a b.", "c d e f g."]


def test_a_sentence_of_a_minute_stays_whole_and_a_longer_one_is_cut() -> None:
    assert texts(paragraphs(steady("a b c d.", each_s=15.0))) == ["a b c d."]
    assert texts(paragraphs(steady("a b c d.", each_s=15.001))) == ["a b", "c d."]


@given(transcripts())
def test_no_paragraph_lasts_over_a_minute_or_holds_a_long_pause_and_no_word_is_lost(
    heard: Transcript,
) -> None:
    fitted = on_grid(heard).words
    found = paragraphs(fitted)
    assert tuple(word for paragraph in found for word in paragraph.words) == fitted
    for paragraph in found:
        assert paragraph.end_s - paragraph.start_s <= 60.0001
        assert sum(word.ends_sentence for word in paragraph.words) <= 6
        inner = zip(paragraph.words, paragraph.words[1:], strict=False)
        assert all(after.start_s - before.end_s < 0.8 for before, after in inner)


@given(transcripts())
def test_sentences_of_paragraphs_hold_every_word_once(heard: Transcript) -> None:
    fitted = on_grid(heard).words
    inner = [s for paragraph in paragraphs(fitted) for s in sentences(paragraph.words)]
    assert tuple(word for sentence in inner for word in sentence.words) == fitted
