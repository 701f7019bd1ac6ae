import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.ports import Block
from core.stitch import NEAR_S, Heard, Stitch, stitch
from core.transcript import Transcript, Word
from core.windows import WindowSpec, cut
from tests.fakes.oracle import Placed, bounds, hear, plan, reach, sound, speak

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
    length_s=st.one_of(st.just(10.0), st.floats(10, 120)),
    share=st.one_of(st.just(0.0), st.floats(0, 1)),
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


@given(
    seed=st.integers(0, 2**32),
    length_s=st.one_of(st.just(10.0), st.floats(10, 120)),
    words=st.integers(1, len(VOCABULARY)),
    windows=st.floats(0.5, 5),
)
@settings(max_examples=300, deadline=None)
def test_stitching_gives_the_spoken_words_exactly_wherever_the_cuts_are(
    seed: int, length_s: float, words: int, windows: float
) -> None:
    rng = random.Random(seed)
    duration_s = windows * length_s
    spoken = speak(rng, duration_s, VOCABULARY[:words])
    assert joined_words(rng, spoken, plan(rng, duration_s, length_s)) == [word.bare for word in spoken]


@given(
    seed=st.integers(0, 2**32),
    length_s=st.one_of(st.just(40.0), st.floats(10, 120)),
    overlap_s=st.one_of(st.just(4.0), st.floats(2, 5)),
    words=st.integers(1, len(VOCABULARY)),
    windows=st.floats(1, 3),
    quiet=st.sampled_from([0.0, 0.01, 1.0]),  # digital silence, noise, and no quiet place at all
)
@settings(max_examples=80, deadline=None)
def test_stitching_gives_the_spoken_words_exactly_for_cuts_in_real_sound(
    *, seed: int, length_s: float, overlap_s: float, words: int, windows: float, quiet: float
) -> None:
    rng = random.Random(seed)
    duration_s = round(windows * length_s, 2)
    spoken = speak(rng, duration_s, VOCABULARY[:words])
    block = Block(sound(spoken, duration_s, quiet))
    found = cut([block], WindowSpec(length_s, overlap_s, rng.choice([0.0, 6.0])))
    places = [Placed(window.start_s, window.cut_s, window.end_s) for window in found]
    assert joined_words(rng, spoken, places) == [word.bare for word in spoken]


def joined_words(rng: random.Random, spoken: Sequence[Word], places: Sequence[Placed]) -> list[str]:
    """What comes out when the oracle hears these windows; the words stay settled once they are said to be."""
    limits, joined = reach(spoken), Stitch()
    for place in places:
        settled = [word for word in joined.since(0) if word.end_s < place.start_s - NEAR_S]
        joined.add(replace(hear(rng, spoken, limits, place.start_s, place.end_s), cut_s=place.cut_s))
        assert joined.since(0)[: len(settled)] == tuple(settled)
    Transcript(joined.finished(), places[-1].end_s, "parakeet", "oracle")
    return [word.bare for word in joined.finished()]


def test_the_seam_goes_through_the_word_nearest_to_the_cut() -> None:
    words = said("one two three four five", 8.6)
    first, second = words, tuple(replace(word, confidence=0.5) for word in words)
    for cut_s, owned in ((8.7, 1), (9.1, 2), (9.9, 5)):
        joined = stitch([Heard(0, 10.5, first), Heard(8, 18, second, cut_s)])
        assert sum(word.confidence == 1 for word in joined) == owned


def test_words_since_a_time_are_those_that_end_later() -> None:
    joined = Stitch()
    joined.add(Heard(0, 10, said("one two three four", 1.0)))
    assert [word.text for word in joined.since(1.55)] == ["three", "four"]
    assert joined.since(10) == ()


def test_windows_without_overlap_are_put_one_after_the_other() -> None:
    first, second = Heard(0, 3, said("one two three")), Heard(3, 6, said("four five", 3.1))
    assert joined(first, second) == "one two three four five"


def test_a_word_cut_by_a_window_edge_is_kept_once_and_whole() -> None:
    first = Heard(0, 10, (*said("we went to the", 8.7), Word("sup", 9.9, 10.0)))
    second = Heard(8, 18, (Word("ent", 8.9, 9.1), *said("to the supermarket today", 9.3)))
    assert joined(first, second) == "we went to the supermarket today"


def test_a_word_that_an_edge_turned_into_the_next_word_is_not_trusted() -> None:
    first = Heard(0, 10, (*said("go", 8.1), Word("yes", 9.75, 10.0)))
    second = Heard(8, 18, (Word("yesterday", 9.7, 10.05), Word("yes", 10.06, 10.3)))
    assert joined(first, second) == "go yesterday yes"


def test_a_word_spoilt_by_an_edge_is_not_trusted_even_where_its_middle_lies_well_inside() -> None:
    first = Heard(0, 10, (*said("go", 8.1), Word("yes", 9.6, 9.84)))
    second = Heard(8, 18, (*said("go", 8.1), Word("yesterday", 9.45, 10.01), Word("yes", 10.02, 10.18)))
    assert joined(first, second) == "go yesterday yes"


def test_without_a_word_heard_twice_the_cut_divides() -> None:
    first = Heard(0, 10, (*said("hello", 8.1), Word("wor", 9.9, 10.0)))
    second = Heard(8, 18, (Word("lo", 8.0, 8.3), *said("world", 9.8)))
    assert joined(first, second) == "hello world"


def test_a_sound_at_the_middle_that_was_read_in_two_ways_is_kept_once() -> None:
    first = Heard(0, 10, (Word("gonna", 8.6, 9.2),))
    second = Heard(8, 18, (Word("going", 8.7, 9.35), Word("to", 9.4, 9.6)))
    assert joined(first, second) == "gonna to"


def test_a_repeated_word_that_one_window_missed_is_paired_with_its_nearest() -> None:
    first = Heard(0, 10, (Word("so", 8.2, 8.4), Word("two", 8.85, 9.05), Word("two", 9.15, 9.35)))
    second = Heard(8, 18, (Word("two", 9.12, 9.32), Word("three", 10.5, 10.9)))
    assert joined(first, second) == "so two two three"


def test_the_same_word_heard_by_one_window_each_far_apart_is_two_words() -> None:
    first = Heard(0, 10, (Word("yes", 8.2, 8.4), Word("yes", 8.7, 8.9)))
    second = Heard(8, 18, (Word("yes", 9.2, 9.4), Word("yes", 10.2, 10.4)))
    assert joined(first, second) == "yes yes yes yes"


def test_a_pair_whose_neighbours_agree_is_a_better_seam_than_a_lone_one_nearer_the_middle() -> None:
    first = Heard(0, 12, (*said("good luck to you", 8.5), Word("the", 9.95, 10.05), Word("end", 10.2, 10.4)))
    second = Heard(8, 20, (*said("good luck to you", 8.5), Word("at", 9.75, 9.9), Word("the", 10.3, 10.4)))
    assert joined(first, second) == "good luck to you at the"


def test_the_seam_avoids_repeated_words_that_jitter_pairs_wrongly() -> None:
    first = Heard(0, 10, said("ah so two two two", 8.35, 0.25))
    second = Heard(8, 18, (*said("ah so", 8.35, 0.25), *said("two two two go", 9.05, 0.25)))
    assert joined(first, second) == "ah so two two two go"


def test_jitter_does_not_swap_words_across_the_seam() -> None:
    first = Heard(0, 10, (Word("a", 8.9, 9.1), Word("b", 9.15, 9.35)))
    second = Heard(8, 18, (Word("b", 8.9, 9.0), Word("c", 9.05, 9.15)))
    assert joined(first, second) == "a b c"


def test_punctuation_and_case_do_not_hide_that_a_word_is_the_same() -> None:
    first = Heard(0, 10, said("Hello, world", 8.7))
    second = Heard(8, 18, said("hello World. Yes", 8.7))
    assert joined(first, second) == "Hello, world Yes"


def test_words_that_leave_the_audio_are_brought_back() -> None:
    (word,) = stitch([Heard(0, 10, (Word("end", 9.9, 10.3),))])
    assert (word.start_s, word.end_s) == (9.9, 10.0)


def test_silence_gives_no_words() -> None:
    assert stitch([Heard(0, 10, ()), Heard(8, 18, ())]) == ()
    assert stitch([]) == ()


def test_what_only_the_earlier_window_heard_behind_the_cut_is_kept_where_the_later_one_was_deaf() -> None:
    first = Heard(0, 34, said("one two three", 31.0))
    second = Heard(30, 66, said("four", 33.7), cut_s=32.0)
    assert joined(first, second) == "one two three four"


def test_what_only_the_later_window_heard_before_the_cut_is_kept_where_the_earlier_one_was_deaf() -> None:
    first = Heard(0, 34, said("one two", 26.0))
    second = Heard(30, 66, (*said("three four", 30.8), *said("five", 33.0)), cut_s=32.0)
    assert joined(first, second) == "one two three four five"
