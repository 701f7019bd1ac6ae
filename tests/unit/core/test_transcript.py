from itertools import pairwise

import pytest

from core.errors import EngineFailed
from core.transcript import LEAST_SHARE_S, Gap, Segment, Transcript, Word, monotone

HELLO, THERE = Word("“Hello,", 0.5, 1.0, 0.9), Word("there!”", 1.0, 1.5, 0.7)


def transcript(*words: Word, duration_s: float = 10.0) -> Transcript:
    return Transcript(words, duration_s, "parakeet", "fake")


def test_the_bare_word_has_neither_case_nor_punctuation() -> None:
    assert [HELLO.bare, THERE.bare, Word("…", 0, 1).bare, Word("don’t", 0, 1).bare] == [
        "hello",
        "there",
        "",
        "don’t",
    ]


@pytest.mark.parametrize(
    ("text", "ends"), [("there!”", True), ("end.)", True), ("so…", True), ("Hello,", False), ("a.m", False)]
)
def test_a_sentence_ends_with_its_punctuation_whatever_closes_after_it(text: str, ends: bool) -> None:
    assert Word(text, 0, 1).ends_sentence is ends


def test_a_shifted_word_keeps_all_but_its_place() -> None:
    assert HELLO.shifted(2.0) == Word("“Hello,", 2.5, 3.0, 0.9)
    assert HELLO.midpoint_s == 0.75


def test_a_segment_spans_its_words() -> None:
    segment = Segment((HELLO, THERE))
    assert (segment.start_s, segment.end_s, segment.text) == (0.5, 1.5, "“Hello, there!”")


def test_a_transcript_has_the_text_and_the_mean_confidence_of_its_words() -> None:
    heard = transcript(HELLO, THERE)
    assert heard.text == "“Hello, there!”"
    assert heard.confidence == pytest.approx(0.8)


def test_silence_is_a_transcript_without_words() -> None:
    silent = transcript()
    assert (silent.text, silent.confidence) == ("", 0.0)


@pytest.mark.parametrize(
    "word",
    [
        Word("secret", -0.1, 1.0),
        Word("secret", 1.0, 1.0),
        Word("secret", 2.0, 1.0),
        Word("secret", 9.0, 10.1),
        Word(" ", 1.0, 2.0),
        Word("secret", float("nan"), 1.0),
        Word("secret", 1.0, float("nan")),
    ],
)
def test_a_word_without_text_length_or_place_is_the_engines_fault(word: Word) -> None:
    with pytest.raises(EngineFailed, match=r"parakeet gave word 1 from .* s to .* s, expected") as caught:
        transcript(Word("fine", 0.0, 0.2), word)
    assert caught.value.code == "engine_bad_result"
    assert caught.value.deterministic
    assert "secret" not in str(caught.value)


def test_a_word_that_starts_before_its_predecessor_ends_is_the_engines_fault() -> None:
    with pytest.raises(EngineFailed, match=r"word 1 a start of 0\.9 s, before .* at 1\.0 s") as caught:
        transcript(HELLO, Word("secret", 0.9, 1.2))
    assert caught.value.deterministic
    assert "secret" not in str(caught.value)


def test_words_in_order_stay_as_they_are() -> None:
    assert monotone([HELLO, THERE], 10.0) == (HELLO, THERE)
    assert monotone([], 10.0) == ()


def test_words_are_put_in_order() -> None:
    assert monotone([THERE, HELLO], 10.0) == (HELLO, THERE)


def test_a_word_that_reaches_into_the_next_one_keeps_its_end() -> None:
    placed = monotone([Word("a", 0.0, 1.0), Word("b", 0.8, 2.0)], 10.0)
    assert [(word.start_s, word.end_s) for word in placed] == [(0.0, 1.0), (1.0, 2.0)]


def test_a_word_inside_another_shares_its_time() -> None:
    placed = monotone([Word("a", 0.0, 2.0), Word("b", 0.5, 1.0)], 10.0)
    assert [(word.start_s, word.end_s) for word in placed] == [(0.0, 0.5), (0.5, 1.0)]


def test_words_past_the_end_of_the_audio_are_moved_into_it() -> None:
    placed = monotone([Word("a", 9.5, 10.5), Word("b", 11.0, 12.0)], 10.0)
    assert placed[-1].end_s == 10.0
    transcript(*placed)


@pytest.mark.parametrize("at_s", [-1.0, 0.0, 3.3, 10.0, 12.0])
def test_however_many_words_crowd_at_one_place_each_keeps_a_length(at_s: float) -> None:
    crowd = [Word(str(index), at_s, at_s) for index in range(500)]
    placed = monotone([HELLO, *crowd, Word("last", 9.9, 10.0)], 10.0)
    transcript(*placed)
    assert len(placed) == 502
    assert min(word.end_s - word.start_s for word in placed) > LEAST_SHARE_S / 3


def test_more_words_than_milliseconds_still_keep_their_order() -> None:
    placed = monotone([Word(str(index), 0.5, 0.5) for index in range(3000)], 1.0)
    assert [int(word.text) for word in placed] == list(range(3000))
    assert all(before.end_s <= after.start_s for before, after in pairwise(placed))
    transcript(*placed, duration_s=1.0)


def test_a_time_that_is_no_number_is_left_for_the_transcript_to_refuse() -> None:
    with pytest.raises(EngineFailed):
        transcript(*monotone([HELLO, Word("b", float("nan"), float("nan")), THERE], 10.0))


def test_a_transcript_adds_up_its_gaps() -> None:
    gaps = (Gap(0.0, 3.5, "no_words"), Gap(3.5, 4.0, "not_decodable"), Gap(9.0, 10.0, "no_words"))
    assert Transcript((), 10.0, "parakeet", "fake", gaps=gaps).gaps_s == 5.0
    assert Transcript((), 10.0, "parakeet", "fake").gaps_s == 0.0


@pytest.mark.parametrize(
    "spans",
    [
        [(-0.1, 1.0)],
        [(1.0, 1.0)],
        [(9.0, 10.1)],
        [(0.0, 5.0), (4.9, 6.0)],
        [(5.0, 6.0), (0.0, 1.0)],
        [(float("nan"), 1.0)],
    ],
)
def test_gaps_out_of_order_or_outside_of_the_audio_are_refused(spans: list[tuple[float, float]]) -> None:
    with pytest.raises(EngineFailed, match=r"gap \d from .* expected .* <= start < end <= 10.0 s") as caught:
        Transcript((), 10.0, "parakeet", "fake", gaps=tuple(Gap(*span, "no_words") for span in spans))
    assert caught.value.code == "engine_bad_result"
