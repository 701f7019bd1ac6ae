"""Files longer than a window: what the engine hears against what was said, above all at the seams."""

from collections.abc import Sequence
from math import exp, lgamma, log, log1p

import pytest

from core.transcript import Transcript, Word
from core.wer import Comparison, compare
from core.windows import WindowSpec, cut
from infra.audio import PyAvReader
from infra.parakeet import ParakeetRecognizer
from tests.engines import file_source, hear
from tests.recordings import Recording, five_minutes, five_minutes_of_real_voices

pytestmark = pytest.mark.asr

SEAM_S = 2.0
HIGHEST_WER = 0.02
UNLIKELY = 0.01
"""Errors as dense near seams as chance alone would make them once in a hundred times are no chance."""


def check(said: Recording, heard: Transcript, spec: WindowSpec) -> None:
    found = compare(said.words, heard.words)
    assert found.errors.rate <= HIGHEST_WER
    assert found.start_error_s is not None
    assert found.end_error_s is not None
    assert found.start_error_s <= 0.040
    assert found.end_error_s <= 0.080
    cuts_s = seams(said, spec)
    assert doubled(heard, found, cuts_s) == []
    assert chance_of_seams(said, heard, found, cuts_s) >= UNLIKELY


def seams(said: Recording, spec: WindowSpec) -> list[float]:
    """Where the file is cut."""
    return [window.cut_s for window in cut(PyAvReader().blocks(file_source(said.path)), spec)][1:]


def doubled(heard: Transcript, found: Comparison, cuts_s: Sequence[float]) -> list[float]:
    """Starts of words near seams that nobody said and that repeat the word beside them."""
    added = [j for i, j in found.pairs if j is not None and i is None]
    extra = [j for j in added if near([heard.words[j]], cuts_s)]
    return [
        heard.words[j].start_s
        for j in extra
        for beside in (j - 1, j + 1)
        if 0 <= beside < len(heard.words)
        and heard.words[beside].bare == heard.words[j].bare
        and abs(heard.words[beside].midpoint_s - heard.words[j].midpoint_s) < 1.0
    ]


def chance_of_seams(said: Recording, heard: Transcript, found: Comparison, cuts_s: Sequence[float]) -> float:
    """How likely so many errors near seams, or more, would be if seams were as good a place as any other."""
    wrong = [
        word
        for i, j in found.pairs
        if (word := error(None if i is None else said.words[i], None if j is None else heard.words[j]))
    ]
    words, errors = near(said.words, cuts_s), near(wrong, cuts_s)
    elsewhere = (len(wrong) - errors + 1) / (len(said.words) - words + 1)
    return sum(exp(log_chance(k, words, elsewhere)) for k in range(errors, words + 1))


def log_chance(hits: int, tries: int, chance: float) -> float:
    """Of exactly so many hits, by the binomial distribution."""
    ways = lgamma(tries + 1) - lgamma(hits + 1) - lgamma(tries - hits + 1)
    return ways + hits * log(chance) + (tries - hits) * log1p(-chance)


def error(spoken: Word | None, taken: Word | None) -> Word | None:
    """The word that was lost, added or changed."""
    if spoken and taken:
        return None if spoken.bare == taken.bare else spoken
    return spoken or taken


def near(words: Sequence[Word], cuts_s: Sequence[float]) -> int:
    return sum(any(abs(word.midpoint_s - cut_s) < SEAM_S for cut_s in cuts_s) for word in words)


def test_five_minutes_come_out_with_every_word_at_its_place(tiny_model: ParakeetRecognizer) -> None:
    said = five_minutes()
    check(said, hear(said.path, tiny_model), WindowSpec())


def test_five_minutes_of_real_voices_come_out_with_every_word_at_its_place(
    tiny_model: ParakeetRecognizer,
) -> None:
    said = five_minutes_of_real_voices()
    check(said, hear(said.path, tiny_model), WindowSpec())


@pytest.mark.parametrize("length_s", [10.0, 17.3, 24.0, 45.0, 90.0])
def test_the_length_of_the_windows_changes_no_word(tiny_model: ParakeetRecognizer, length_s: float) -> None:
    said = five_minutes()
    heard = hear(said.path, tiny_model, WindowSpec(length_s))
    assert compare(said.words, heard.words).errors.rate <= HIGHEST_WER


def test_times_are_no_worse_than_those_of_the_file_heard_as_one(tiny_model: ParakeetRecognizer) -> None:
    said = five_minutes()
    cut_up, whole = (
        compare(said.words, hear(said.path, tiny_model, WindowSpec(length_s)).words)
        for length_s in (40.0, said.duration_s + 1)
    )
    assert None not in (cut_up.start_error_s, cut_up.end_error_s, whole.start_error_s, whole.end_error_s)
    assert cut_up.start_error_s <= whole.start_error_s + 0.001  # type: ignore[operator]
    assert cut_up.end_error_s <= whole.end_error_s + 0.001  # type: ignore[operator]


@pytest.mark.full
@pytest.mark.parametrize(
    ("length_s", "overlap_s", "search_s"),
    [
        (10, 4, 2),
        (13, 4, 0),
        (20, 5, 3),
        (30, 4, 6),
        (40, 4, 6),
        (40, 4, 0),
        (40, 6, 9),
        (75, 4, 6),
        (120, 4, 20),
    ],
)
def test_errors_are_no_more_frequent_at_seams_than_elsewhere(
    tiny_model: ParakeetRecognizer,
    forty_five_minutes: Recording,
    length_s: float,
    overlap_s: float,
    search_s: float,
) -> None:
    spec = WindowSpec(length_s, overlap_s, search_s)
    check(forty_five_minutes, hear(forty_five_minutes.path, tiny_model, spec), spec)
