"""The nouns of a transcript. Times are seconds from the start of the audio."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from core.errors import EngineFailed
from core.spans import fitted

PUNCTUATION = "\"“”‘’'.,!?;:…()[]{}"
SENTENCE_ENDS = (".", "!", "?", "…")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written in the transcript (cased, punctuated), with its place in the audio."""

    text: str
    start_s: float
    end_s: float
    confidence: float = 1.0

    @property
    def bare(self) -> str:
        """The word in lower case without the punctuation around it."""
        return self.text.strip(PUNCTUATION).lower()

    @property
    def midpoint_s(self) -> float:
        """The middle of the word; it decides which window owns the word."""
        return (self.start_s + self.end_s) / 2

    @property
    def ends_sentence(self) -> bool:
        """Whether the word closes a sentence by its punctuation."""
        return self.text.rstrip("\"”’')]}").endswith(SENTENCE_ENDS)

    def shifted(self, offset_s: float) -> "Word":
        """The same word, later by an offset."""
        return replace(self, start_s=self.start_s + offset_s, end_s=self.end_s + offset_s)


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of words that belong together: a sentence, or a paragraph."""

    words: tuple[Word, ...]

    @property
    def start_s(self) -> float:
        """Start of the first word."""
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last word."""
        return self.words[-1].end_s

    @property
    def text(self) -> str:
        """The words, joined by one space."""
        return text_of(self.words)


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of the audio of which the transcript holds nothing, though something may have been said.

    Args:
        start_s: its start, in seconds.
        end_s: its end, in seconds.
        reason: no_words: there is sound as of speech, and no word was heard in it, twice;
            not_decodable: the audio itself is broken there.
    """

    start_s: float
    end_s: float
    reason: Literal["no_words", "not_decodable"]


@dataclass(frozen=True, slots=True)
class Transcript:
    """All words of one audio file, what may be missing, and which engine heard them.

    Raises:
        EngineFailed: code engine_bad_result, when words overlap backwards, are empty, have no length, or
            leave the audio, or when gaps do. The message names positions and times, never the words.
    """

    words: tuple[Word, ...]
    duration_s: float
    engine: str
    model: str
    language: str = "en"
    gaps: tuple[Gap, ...] = ()

    def __post_init__(self) -> None:
        for index, word in enumerate(self.words):
            if not word.text.strip() or not 0 <= word.start_s < word.end_s <= self.duration_s:
                raise EngineFailed(
                    f"{self.engine} gave word {index} from {word.start_s} s to {word.end_s} s, expected a "
                    f"non-empty word with 0 <= start < end <= {self.duration_s} s",
                    code="engine_bad_result",
                    deterministic=True,
                )
        for index, (before, after) in enumerate(pairwise(self.words)):
            if after.start_s < before.end_s:
                raise EngineFailed(
                    f"{self.engine} gave word {index + 1} a start of {after.start_s} s, before the end of "
                    f"the word ahead of it at {before.end_s} s",
                    code="engine_bad_result",
                    deterministic=True,
                )
        self._check_gaps()

    def _check_gaps(self) -> None:
        free_s = 0.0
        for index, gap in enumerate(self.gaps):
            if not free_s <= gap.start_s < gap.end_s <= self.duration_s:
                raise EngineFailed(
                    f"{self.engine} gave gap {index} from {gap.start_s} s to {gap.end_s} s, expected "
                    f"{free_s} <= start < end <= {self.duration_s} s",
                    code="engine_bad_result",
                    deterministic=True,
                )
            free_s = gap.end_s

    @property
    def text(self) -> str:
        """All words, joined by one space."""
        return text_of(self.words)

    @property
    def gaps_s(self) -> float:
        """Seconds of which the transcript holds nothing, though something may have been said."""
        return sum(gap.end_s - gap.start_s for gap in self.gaps)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words; 0 when there are none."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0


def text_of(words: Iterable[Word]) -> str:
    """The words, joined by one space."""
    return " ".join(word.text for word in words)


def monotone(words: Iterable[Word], duration_s: float) -> tuple[Word, ...]:
    """The words in order of time, each moved as little as needed to lie in the audio and not overlap.

    Engines give times on a grid (80 ms for Parakeet) and round; a word may reach a little into the next
    one, or past the end of the audio. A word that overlaps its predecessor starts where that one ends,
    unless nothing would be left of it: then both share the time of the two equally. Where so many words
    crowd at one place that their shares vanish, each gets a millisecond at the cost of its neighbours.

    Shapes: any number of words in, the same number out.
    """
    ordered = sorted(words, key=lambda word: (word.start_s, word.end_s))
    placed: list[Word] = []
    for word in ordered:
        placed.append(_clipped(word, duration_s))
        _part(placed)
    return tuple(_widened(placed, duration_s))


SHORTEST_WORD_S = 0.01
LEAST_SHARE_S = 0.001
"""The grid that files are written on: what is shorter could not be told from nothing there."""


def _clipped(word: Word, duration_s: float) -> Word:
    start_s = min(max(word.start_s, 0.0), max(duration_s - SHORTEST_WORD_S, 0.0))
    return replace(word, start_s=start_s, end_s=min(max(word.end_s, start_s + SHORTEST_WORD_S), duration_s))


def _part(words: list[Word]) -> None:
    """Part the last two words at one instant when they overlap; earlier words are already in order."""
    if len(words) < 2 or words[-1].start_s >= words[-2].end_s:
        return
    before, after = words[-2], words[-1]
    # A word that earlier partings pushed past the end of this one leaves it nothing but a share of its own.
    end_s = max(before.end_s, after.end_s) if after.end_s <= before.start_s + SHORTEST_WORD_S else after.end_s
    cut_s = before.end_s if before.end_s < end_s else (before.start_s + end_s) / 2
    words[-2:] = [replace(before, end_s=cut_s), replace(after, start_s=cut_s, end_s=end_s)]


def _widened(words: list[Word], duration_s: float) -> Iterable[Word]:
    """The words as they are; where one has next to no length, pushed on, then pulled back into the audio."""
    least_s = min(LEAST_SHARE_S, duration_s / 2 / max(len(words), 1))
    # Half, since sums of floats may fall a little short of the share that they were given.
    if all(word.end_s - word.start_s >= least_s / 2 for word in words):
        return words
    spans = fitted(((word.start_s, word.end_s) for word in words), least=least_s, limit=duration_s)
    return [
        replace(word, start_s=start_s, end_s=end_s)
        for word, (start_s, end_s) in zip(words, spans, strict=True)
    ]
