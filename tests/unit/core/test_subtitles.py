import re
from itertools import pairwise

import pytest
from hypothesis import given

from core.document import document
from core.grid import to_ms
from core.subtitles import cues, lines, srt, vtt
from core.transcript import Segment, Transcript
from tests.unit.core.transcripts import steady, transcripts, words


def sentence(text: str, each_s: float = 0.1, start_s: float = 0.0) -> Segment:
    return Segment(steady(text, each_s=each_s, start_s=start_s))


def test_a_text_up_to_42_characters_stays_on_one_line() -> None:
    fitting = sentence(f"{'a' * 20} {'b' * 21}")
    longer = sentence(f"{'a' * 20} {'b' * 22}")
    assert lines(fitting.words) == [fitting.text]
    assert lines(longer.words) == ["a" * 20, "b" * 22]


def test_two_lines_are_as_even_as_can_be() -> None:
    found = sentence("we went down to the old river, then we sat there a while")
    assert lines(found.words) == ["we went down to the old river,", "then we sat there a while"]


def test_a_long_sentence_is_cut_after_a_clause_near_its_middle() -> None:
    text = (
        "When the rain had stopped and the street was dry again, "
        "the children came out of their houses and played until the lamps were lit."
    )
    first, *rest = cues([sentence(text)])
    assert first.text == "When the rain had stopped and the street was dry again,"
    assert " ".join(cue.text for cue in rest).startswith("the children came")


def test_a_clause_far_from_the_middle_is_no_place_to_cut() -> None:
    text = "Well, " + " ".join(["word"] * 24)
    assert [len(cue.words) for cue in cues([sentence(text)])] == [12, 13]


def test_a_slow_sentence_is_cut_by_time() -> None:
    found = cues([sentence("a b c d", each_s=2.0)])
    assert [cue.text for cue in found] == ["a b", "c d"]
    assert [cue.text for cue in cues([sentence("a b", each_s=3.5)])] == ["a b"]


def test_a_word_longer_than_a_line_stands_alone() -> None:
    found = cues([sentence(f"see {'x' * 60} now")])
    assert [cue.text for cue in found] == ["see", "x" * 60, "now"]
    assert lines(found[1].words) == ["x" * 60]


@pytest.mark.parametrize(
    ("start_s", "expected"),
    [(0.0, "00:00:00,000"), (59.999, "00:00:59,999"), (3661.5, "01:01:01,500"), (43199.0, "11:59:59,000")],
)
def test_times_are_hours_minutes_seconds_and_milliseconds(start_s: float, expected: str) -> None:
    found = srt([Segment(words(("x", start_s, start_s + 0.5)))])
    assert found.splitlines()[1].startswith(f"{expected} --> ")


def test_markup_of_webvtt_is_escaped() -> None:
    found = vtt([Segment(words(("a&b", 0.0, 1.0), ("<i>", 1.0, 2.0), ("-->", 2.0, 3.0)))])
    assert found.splitlines()[3] == "a&amp;b &lt;i&gt; --&gt;"


def test_an_arrow_in_the_text_of_subrip_is_no_separator() -> None:
    assert srt([Segment(words(("-->", 0.0, 1.0)))]).splitlines()[2] == "→"


TIME = r"(\d\d):(\d\d):(\d\d)[,.](\d\d\d)"


@given(transcripts())
def test_times_of_cues_never_go_back_and_no_word_is_lost(heard: Transcript) -> None:
    doc = document(heard)
    for written in (srt(doc.sentences), vtt(doc.sentences)):
        times = [
            tuple(map(int, part))
            for pair in re.findall(f"^{TIME} --> {TIME}$", written, flags=re.MULTILINE)
            for part in (pair[:4], pair[4:])
        ]
        assert all(before <= after for before, after in pairwise(times))
        assert len(times) == 2 * len(cues(doc.sentences))
        assert written.count("-->") == len(times) // 2
    shown = tuple(word for cue in cues(doc.sentences) for word in cue.words)
    assert shown == doc.transcript.words


@given(transcripts())
def test_cues_of_several_words_fit_the_screen(heard: Transcript) -> None:
    for cue in cues(document(heard).sentences):
        if len(cue.words) > 1:
            assert to_ms(cue.end_s) - to_ms(cue.start_s) <= 7000
            assert len(lines(cue.words)) <= 2
            assert max(map(len, lines(cue.words))) <= 42
