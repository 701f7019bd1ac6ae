import pytest
from hypothesis import given

from core.document import document
from core.segments import TranscriptWindow, windows
from core.transcript import Segment, Transcript
from tests.unit.core.transcripts import transcripts, words


def spans(*timed: tuple[str, float, float]) -> list[tuple[int, float, float]]:
    found = words(*timed)
    return [(w.window_id, w.start_s, w.end_s) for w in windows(found, ())]


@pytest.mark.parametrize(
    ("end_s", "expected"),
    [
        (12.5, [(0, 0.0, 12.5)]),
        (60.0, [(0, 0.0, 60.0)]),
        (60.001, [(0, 0.0, 60.0), (1, 30.0, 60.001)]),
        (90.0, [(0, 0.0, 60.0), (1, 30.0, 90.0)]),
        (100.0, [(0, 0.0, 60.0), (1, 30.0, 90.0), (2, 60.0, 100.0)]),
    ],
)
def test_windows_cover_the_speech_and_end_with_it(
    end_s: float, expected: list[tuple[int, float, float]]
) -> None:
    assert spans(("a", 0.0, 1.0), ("z", end_s - 1, end_s)) == expected


def test_windows_without_speech_keep_their_row() -> None:
    found = windows(words(("a", 0.0, 1.0), ("z", 200.0, 201.0)), ())
    assert [w.word_count for w in found] == [1, 0, 0, 0, 0, 1]
    assert found[2] == TranscriptWindow(2, 60.0, 120.0, 0, "")
    assert found[2].speech_rate == 0.0


@pytest.mark.parametrize(
    ("start_s", "end_s", "counts"),
    [
        (59.5, 60.5, [1, 1, 1, 0]),  # half on each side of the edge of windows 0 and 2
        (59.4, 60.4, [1, 1, 0, 0]),
        (59.6, 60.6, [0, 1, 1, 0]),
    ],
)
def test_a_word_counts_where_half_of_it_lies_inside(start_s: float, end_s: float, counts: list[int]) -> None:
    found = windows(words(("cut", start_s, end_s), ("z", 149.0, 150.0)), ())
    assert [w.word_count for w in found] == [*counts[:3], counts[3] + 1]


@pytest.mark.parametrize(("start_s", "first"), [(57.0, "p"), (57.001, "")])
def test_a_paragraph_is_read_where_three_tenths_of_it_lie_inside(start_s: float, first: str) -> None:
    found = words(("p", start_s, start_s + 10.0))
    assert windows(found, (Segment(found),))[0].text == first


def test_paragraphs_of_a_window_are_joined_by_one_space() -> None:
    found = words(("a", 0.0, 1.0), ("b", 5.0, 6.0))
    assert windows(found, (Segment(found[:1]), Segment(found[1:])))[0].text == "a b"


def test_speech_rate_is_over_the_full_width_in_a_clipped_window_too() -> None:
    assert windows(words(("a", 0.0, 1.0), ("b", 1.0, 2.0), ("c", 2.0, 3.0)), ())[0].speech_rate == 0.05


def test_no_words_give_no_windows() -> None:
    assert windows((), ()) == ()


@given(transcripts())
def test_windows_agree_with_a_count_over_every_pair(heard: Transcript) -> None:
    doc = document(heard)
    for w in doc.windows:
        end_s = w.start_s + 60.0
        inside = [
            word
            for word in doc.transcript.words
            if round((min(end_s, word.end_s) - max(w.start_s, word.start_s)) * 1000)
            >= round((word.end_s - word.start_s) * 1000) / 2
        ]
        assert w.word_count == len(inside)


@given(transcripts())
def test_every_word_and_every_paragraph_is_in_a_window(heard: Transcript) -> None:
    doc = document(heard)
    assert sum(w.word_count for w in doc.windows) >= len(doc.transcript.words)
    for word in doc.transcript.words:
        assert any(w.start_s <= word.midpoint_s <= w.end_s for w in doc.windows)
    for paragraph in doc.paragraphs:
        assert any(paragraph.text in w.text for w in doc.windows)
