from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transcript import Word
from core.wer import WordErrors, compare, compare_text
from tests.unit.core.transcripts import steady, words


@pytest.mark.parametrize(
    ("reference", "hypothesis", "expected"),
    [
        ("", "", WordErrors(0, 0, 0, 0)),
        ("a b c", "a b c", WordErrors(0, 0, 0, 3)),
        ("a b c", "a x c", WordErrors(1, 0, 0, 3)),
        ("a b c", "a c", WordErrors(0, 0, 1, 3)),
        ("a b c", "a b b c", WordErrors(0, 1, 0, 3)),
        ("a b c", "", WordErrors(0, 0, 3, 3)),
        ("", "a b", WordErrors(0, 2, 0, 0)),
        ("a b c d", "b c d e", WordErrors(0, 1, 1, 4)),
        ("a b c", "x y", WordErrors(2, 0, 1, 3)),
        ("Hello, World!", "hello world", WordErrors(0, 0, 0, 2)),
        ("it’s “fine”", "It's fine.", WordErrors(0, 0, 0, 2)),
        ("one … two", "one two ,", WordErrors(0, 0, 0, 2)),
        ("five", "5", WordErrors(1, 0, 0, 1)),
    ],
)
def test_errors_are_counted_by_kind(reference: str, hypothesis: str, expected: WordErrors) -> None:
    assert compare_text(reference, hypothesis) == expected


@pytest.mark.parametrize(
    ("errors", "rate"),
    [(WordErrors(1, 1, 0, 8), 0.25), (WordErrors(0, 3, 0, 0), 3.0), (WordErrors(0, 0, 0, 0), 0.0)],
)
def test_the_rate_is_edits_per_word_of_the_reference(errors: WordErrors, rate: float) -> None:
    assert errors.rate == rate


def test_errors_of_time_are_means_over_the_words_that_match() -> None:
    reference = words(("a", 1.0, 2.0), ("b", 3.0, 4.0), ("c", 5.0, 6.0))
    hypothesis = words(("a", 1.1, 2.0), ("x", 9.0, 9.5), ("c", 4.7, 6.4))
    found = compare(reference, hypothesis)
    assert found.start_error_s == pytest.approx(0.2)
    assert found.end_error_s == pytest.approx(0.2)


def test_without_a_match_there_is_no_error_of_time() -> None:
    found = compare(words(("a", 0.0, 1.0)), words(("b", 0.0, 1.0)))
    assert found.start_error_s is None
    assert found.end_error_s is None


def test_of_two_equal_words_the_one_nearer_in_time_is_matched() -> None:
    twice = words(("no", 1.0, 1.5), ("no", 8.0, 8.5))
    assert compare(twice, words(("no", 8.0, 8.5))).pairs == ((0, None), (1, 0))
    assert compare(twice, words(("no", 1.0, 1.5))).pairs == ((0, 0), (1, None))


def test_pairs_point_into_the_lists_given_and_skip_bare_punctuation() -> None:
    found = compare(steady("… a b", each_s=1.0), steady("a — , b", each_s=1.0))
    assert found.pairs == ((1, 0), (None, 1), (2, 3))


def test_distance_in_time_never_outweighs_an_edit() -> None:
    apart_s = 10_000_000.0
    reference = steady("a a a a a", each_s=apart_s)
    one_later = [word.shifted(apart_s) for word in reference]
    assert compare(reference, one_later).errors.edits == 0


def fewest_edits(reference: str, hypothesis: str) -> int:
    """The textbook recurrence, a cell at a time."""
    above = list(range(len(hypothesis) + 1))
    for row, left in enumerate(reference, start=1):
        here = [row]
        for column, right in enumerate(hypothesis, start=1):
            here.append(min(above[column] + 1, here[-1] + 1, above[column - 1] + (left != right)))
        above = here
    return above[-1]


LETTERS = st.text(alphabet="abc", max_size=25)


@given(LETTERS, LETTERS)
def test_edits_are_the_fewest_that_do(reference: str, hypothesis: str) -> None:
    found = compare(steady(" ".join(reference), each_s=0.5), steady(" ".join(hypothesis), each_s=0.3))
    assert found.errors.edits == fewest_edits(reference, hypothesis)
    assert found.errors.reference_words == len(reference)


@given(LETTERS, LETTERS)
def test_the_alignment_names_every_word_of_both_sides_once_and_in_order(
    reference: str, hypothesis: str
) -> None:
    pairs = compare(steady(" ".join(reference), each_s=0.5), steady(" ".join(hypothesis), each_s=0.3)).pairs
    assert [left for left, _ in pairs if left is not None] == list(range(len(reference)))
    assert [right for _, right in pairs if right is not None] == list(range(len(hypothesis)))


@given(LETTERS, st.floats(-5.0, 5.0))
def test_a_constant_shift_is_measured_as_such(text: str, shift_s: float) -> None:
    reference = steady(" ".join(text), each_s=20.0, start_s=10.0)
    found = compare(reference, [word.shifted(shift_s) for word in reference])
    assert found.errors.rate == 0.0
    expected = pytest.approx(abs(shift_s)) if text else None
    assert found.start_error_s == expected
    assert found.end_error_s == expected


def test_an_hour_of_words_aligns_and_finds_the_errors_put_in() -> None:
    reference = [Word(f"w{at % 701}", at * 0.36, at * 0.36 + 0.3) for at in range(10_000)]
    hypothesis = [word for at, word in enumerate(reference) if at % 100 != 50]
    hypothesis[33] = Word("wrong", hypothesis[33].start_s, hypothesis[33].end_s)
    found = compare(reference, hypothesis)
    assert found.errors == WordErrors(1, 0, 100, 10_000)
    assert found.start_error_s == 0.0
    matched = [(left, right) for left, right in found.pairs if left is not None and right is not None]
    assert all(before < after for before, after in pairwise(matched))
