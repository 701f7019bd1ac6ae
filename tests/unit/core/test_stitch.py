import random

from hypothesis import given, settings
from hypothesis import strategies as st

from core.stitch import Heard, stitch
from core.transcript import Transcript, Word
from tests.fakes.oracle import bounds, hear, reach, speak

VOCABULARY = ["two", "one", "the", "a", "I", "you", "and", "so", "that", "go", "now", "here", "there", "yes"]


def said(text: str, start_s: float = 0.0, step_s: float = 0.3) -> tuple[Word, ...]:
    words = text.split()
    return tuple(
        Word(word, start_s + i * step_s, start_s + i * step_s + 0.25)
        for i, word in enumerate(words)
        if word != "-"
    )


def joined(*windows: Heard) -> str:
    return " ".join(word.text for word in stitch(windows))


@given(
    seed=st.integers(0, 2**32),
    length_s=st.floats(10, 120),
    share=st.floats(0, 1),
    words=st.integers(1, len(VOCABULARY)),
    windows=st.floats(0.5, 4),
)
@settings(max_examples=300, deadline=None)
def test_stitching_gives_the_spoken_words_exactly_for_every_window_length_and_overlap(
    seed: int, length_s: float, share: float, words: int, windows: float
) -> None:
    rng = random.Random(seed)
    overlap_s = 2 + share * (length_s / 2 - 2)
    duration_s = windows * length_s
    spoken = speak(rng, duration_s, VOCABULARY[:words])
    limits = reach(spoken)
    heard = [hear(rng, spoken, limits, *edges) for edges in bounds(duration_s, length_s, overlap_s)]
    stitched = stitch(heard)
    assert [word.bare for word in stitched] == [word.bare for word in spoken]
    Transcript(stitched, duration_s, "parakeet", "oracle")
