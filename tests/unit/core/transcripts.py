"""Transcripts for tests: short ways to write them down, and strategies that make valid ones."""

from itertools import pairwise

from hypothesis import strategies as st

from core.transcript import Transcript, Word

Timed = tuple[str, float, float]


def words(*timed: Timed) -> tuple[Word, ...]:
    return tuple(Word(*one) for one in timed)


def steady(text: str, *, each_s: float, start_s: float = 0.0) -> tuple[Word, ...]:
    """The words of a text, back to back, all of the same length."""
    return tuple(
        Word(word, round(start_s + at * each_s, 3), round(start_s + (at + 1) * each_s, 3))
        for at, word in enumerate(text.split())
    )


def transcript(found: tuple[Word, ...], duration_s: float | None = None) -> Transcript:
    end_s = found[-1].end_s if found else 1.0
    return Transcript(found, duration_s or end_s, "parakeet", "nvidia/parakeet-tdt-0.6b-v2")


TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: bool(text.strip())) | st.sampled_from(
    ["So", "yes.", "“Why?”", "a,b", 'say "x"', "=1+1", "two\nlines", "-->", "<i>", "&", "x" * 60]
)
LENGTHS_S = st.floats(0.0004, 70.0) | st.sampled_from([0.08, 0.3, 1.0, 30.0, 60.0])
PAUSES_S = st.floats(0.0, 0.7) | st.sampled_from([0.0, 0.0, 0.79, 0.8, 45.0])


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Any transcript that an engine may return: also words of half a millisecond, and of a minute."""
    found: list[Word] = []
    end_s = 0.0
    for text, pause_s, length_s in draw(st.lists(st.tuples(TEXTS, PAUSES_S, LENGTHS_S), max_size=60)):
        start_s = end_s + pause_s
        end_s = start_s + length_s
        confidence = draw(st.floats())
        found.append(Word(text, start_s, end_s, confidence))
    return transcript(tuple(found), end_s + draw(st.floats(0.06, 100.0)))


def in_order(found: tuple[Word, ...]) -> bool:
    return all(before.end_s <= after.start_s for before, after in pairwise(found))
