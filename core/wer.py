"""How far a transcript is from the truth: word errors, and errors of time.

Words are compared in lower case, without the punctuation around them; a word that is nothing but
punctuation does not count. Numbers are not spelled out: "5" is not "five".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.transcript import Word

# An edit outweighs any sum of time differences: 10 s at most for each of 100 000 words are 1e9 ms.
_EDIT = 1_000_000_000
_FAR_MS = 10_000
_DIAGONAL, _DELETION, _INSERTION = 0, 1, 2

Pair = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class WordErrors:
    """Counts of what it takes to turn the reference into the hypothesis."""

    substitutions: int
    insertions: int
    deletions: int
    reference_words: int

    @property
    def edits(self) -> int:
        """All errors together."""
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float:
        """Edits per word of the reference; an empty reference counts as one word."""
        return self.edits / max(self.reference_words, 1)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Errors of a hypothesis against a reference.

    Args:
        errors: the counts.
        pairs: (index in reference, index in hypothesis) in order; None where the other side has no word.
        start_error_s: mean absolute difference of starts over the words that match; None without a match.
        end_error_s: the same for ends.
    """

    errors: WordErrors
    pairs: tuple[Pair, ...]
    start_error_s: float | None
    end_error_s: float | None


def compare(reference: Sequence[Word], hypothesis: Sequence[Word]) -> Comparison:
    """Align two word lists by the fewest edits and, among such alignments, the least distance in time.

    The indices in the result point into the given lists. Takes time and one byte for each pair of words:
    an hour (10 000 words) needs about 100 MB and a few seconds.
    """
    kept_reference = [(index, word) for index, word in enumerate(reference) if word.bare]
    kept_hypothesis = [(index, word) for index, word in enumerate(hypothesis) if word.bare]
    inner = _pairs([word for _, word in kept_reference], [word for _, word in kept_hypothesis])
    pairs = tuple(
        (
            None if left is None else kept_reference[left][0],
            None if right is None else kept_hypothesis[right][0],
        )
        for left, right in inner
    )
    return _measured(reference, hypothesis, pairs)


def compare_text(reference: str, hypothesis: str) -> WordErrors:
    """Count word errors between two texts without times."""
    left, right = ([Word(text, 0.0, 0.0) for text in side.split()] for side in (reference, hypothesis))
    return compare(left, right).errors


def _measured(reference: Sequence[Word], hypothesis: Sequence[Word], pairs: tuple[Pair, ...]) -> Comparison:
    both = [(reference[i], hypothesis[j]) for i, j in pairs if i is not None and j is not None]
    matched = [(left, right) for left, right in both if _key(left) == _key(right)]
    deletions = sum(right is None for _, right in pairs)
    insertions = sum(left is None for left, _ in pairs)
    errors = WordErrors(len(both) - len(matched), insertions, deletions, len(both) + deletions)
    return Comparison(
        errors,
        pairs,
        _mean([abs(left.start_s - right.start_s) for left, right in matched]),
        _mean([abs(left.end_s - right.end_s) for left, right in matched]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _key(word: Word) -> str:
    return word.bare.replace("’", "'")


def _pairs(reference: Sequence[Word], hypothesis: Sequence[Word]) -> list[Pair]:
    moves = _moves(reference, hypothesis)
    left, right = len(reference), len(hypothesis)
    pairs: list[Pair] = []
    while left or right:
        move = moves[left, right]
        left -= int(move != _INSERTION)
        right -= int(move != _DELETION)
        pairs.append((None if move == _INSERTION else left, None if move == _DELETION else right))
    return pairs[::-1]


def _moves(reference: Sequence[Word], hypothesis: Sequence[Word]) -> NDArray[np.uint8]:
    """The last step of the cheapest way to each cell. Shape: [len(reference) + 1, len(hypothesis) + 1].

    A whole row is found at once. Insertions run along the row, so that the cheapest way to reach cell j by
    them is the least of (price without - own insertions so far) over all cells up to j: a running minimum.
    """
    numbers = {key: number for number, key in enumerate({_key(word) for word in [*reference, *hypothesis]})}
    heard = np.array([numbers[_key(word)] for word in hypothesis], dtype=np.int64)
    heard_ms = np.array([word.start_s * 1000 for word in hypothesis], dtype=np.int64)
    ramp = np.arange(len(hypothesis) + 1, dtype=np.int64) * _EDIT
    moves = np.full((len(reference) + 1, len(hypothesis) + 1), _INSERTION, dtype=np.uint8)
    price = ramp
    for row, word in enumerate(reference, start=1):
        apart = np.minimum(np.abs(heard_ms - int(word.start_s * 1000)), _FAR_MS)
        diagonal = price[:-1] + apart + _EDIT * (heard != numbers[_key(word)])
        without = price + _EDIT
        deleted = np.append(True, without[1:] < diagonal)
        without[1:] = np.minimum(without[1:], diagonal)
        price = np.minimum.accumulate(without - ramp) + ramp
        moves[row] = np.where(price < without, _INSERTION, deleted)
    return moves
