from hypothesis import given
from hypothesis import strategies as st

from core.transcript import Transcript, Word, monotone

spans = st.lists(
    st.tuples(st.floats(-0.5, 10.5), st.floats(0, 2)).map(lambda t: Word("word", t[0], t[0] + t[1])),
    max_size=12,
)


@given(spans)
def test_words_at_any_times_become_a_valid_transcript_of_as_many_words(words: list[Word]) -> None:
    placed = monotone(words, 10.0)
    assert len(placed) == len(words)
    Transcript(placed, 10.0, "parakeet", "fake")


def test_a_word_that_was_pushed_past_the_end_of_the_next_shares_its_time_with_it() -> None:
    words = [Word("a", 0.0, 1.0), Word("b", 0.1, 1.5), Word("c", 0.2, 0.5)]
    assert [(word.start_s, word.end_s) for word in monotone(words, 2.0)] == [
        (0.0, 1.0),
        (1.0, 1.25),
        (1.25, 1.5),
    ]
