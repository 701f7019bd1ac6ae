"""Joins the words of overlapping windows into one sequence: none lost, none doubled at a seam.

The same word is heard in both windows of an overlap, at times that differ a little, and a word that a
window's edge cuts through may come out as anything. So a word at an edge is never trusted. Among the others,
a word of one window and a word of the other are the same when they read the same and each is the nearest
such word to the other. The seam goes through such a pair, the one nearest to the cut among those that are
least in doubt: the earlier window speaks up to this word, the later window after it.

This is exact when, with at least 1 s of context on both sides of a cut,
- words are at most 0.6 s long,
- a window places the middle of a word within 0.15 s of the truth, and within a quarter of the distance to the
  next word that reads the same (two hearings of "two two" can't be told apart otherwise),
- only words that cross the window's edge are dropped or changed, and whatever is heard in place of one has
  its middle within 0.45 s of the edge.
Outside of this the seam still lies where the windows agree, or else on the cut.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.transcript import SHORTEST_WORD_S, Word, monotone

EDGE_S = 0.45
"""Half of a word of 0.6 s and 0.15 s of jitter: what is cut has its middle no further from the edge."""

NEAR_S = 0.4
"""Two hearings of one word differ by 0.3 s at most; further apart they are two words."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in one window; all times are seconds from the start of the audio.

    Args:
        start_s: the start of the window.
        end_s: its end.
        words: what was heard from start to end.
        cut_s: where what it owns begins; None for the middle of what it shares with the window before.
    """

    start_s: float
    end_s: float
    words: tuple[Word, ...]
    cut_s: float | None = None


class Stitch:
    """Joins windows one after the other, for who wants the words before the last window is heard."""

    def __init__(self) -> None:
        self._words: list[Word] = []
        self._end_s = 0.0

    def add(self, heard: Heard) -> None:
        """Join the next window. Its start lies before the end of the one ahead of it, or just there.

        What lies before its start is settled from now on, but for the fit that `finished` makes.
        """
        _join(self._words, self._end_s, heard)
        self._end_s = heard.end_s

    def since(self, start_s: float) -> tuple[Word, ...]:
        """The words so far that end after a time."""
        return tuple(self._words[_first_after(self._words, start_s) :])

    def finished(self) -> tuple[Word, ...]:
        """All words, within the audio, in order, without overlaps."""
        return monotone(self._words, self._end_s)


def stitch(windows: Iterable[Heard]) -> tuple[Word, ...]:
    """The words of all windows as one sequence, within the audio, in order, without overlaps.

    Args:
        windows: in order of time, each starting before the one ahead of it ends, or just there. The end of
            the last is the end of the audio.
    """
    joined = Stitch()
    for window in windows:
        joined.add(window)
    return joined.finished()


def _first_after(words: Sequence[Word], start_s: float) -> int:
    first = len(words)
    while first and words[first - 1].end_s > start_s:
        first -= 1
    return first


def _join(words: list[Word], end_s: float, later: Heard) -> None:
    """Append what the later window owns, after dropping what the earlier ones no longer own."""
    first = _first_after(words, later.start_s - NEAR_S)
    tail = words[first:]
    cut_s = (later.start_s + end_s) / 2 if later.cut_s is None else later.cut_s
    pairs = _pairs(tail, later, end_s)
    if pairs:
        kept, begin = min(pairs, key=lambda pair: _distance(pair, pairs, tail, cut_s))
        del words[first + kept + 1 :]
        added: Sequence[Word] = later.words[begin + 1 :]
    else:
        words[first:] = _first_half(tail, later, end_s, cut_s)
        added = _second_half(words[-1:], tail, later, cut_s)
    words.extend(_not_before(words[-1:], added))


def _pairs(tail: Sequence[Word], later: Heard, end_s: float) -> set[tuple[int, int]]:
    """Positions of words that are the same word, heard twice: each the other's nearest of that reading."""
    early = [i for i, word in enumerate(tail) if word.midpoint_s < end_s - EDGE_S]
    first_s, last_s = later.start_s + EDGE_S, end_s + NEAR_S
    late = [j for j, word in enumerate(later.words) if first_s < word.midpoint_s < last_s]
    nearest = {i: _nearest(tail[i], later.words, late) for i in early}
    return {
        (i, j) for i, j in nearest.items() if j is not None and _nearest(later.words[j], tail, early) == i
    }


def _distance(
    pair: tuple[int, int], pairs: set[tuple[int, int]], tail: Sequence[Word], cut_s: float
) -> tuple[int, float]:
    """How far a pair is from being the best seam: doubts first, then seconds from the cut.

    It is doubtful when the words beside it don't agree, and when the same word is said again close by, where
    jitter may pair the wrong two.
    """
    i, j = pair
    alone = (i - 1, j - 1) not in pairs and (i + 1, j + 1) not in pairs
    again = any(
        other.bare == tail[i].bare and 0 < abs(other.midpoint_s - tail[i].midpoint_s) < 2 * NEAR_S
        for other in tail
    )
    return alone + again, abs(tail[i].midpoint_s - cut_s)


def _nearest(word: Word, among: Sequence[Word], positions: Iterable[int]) -> int | None:
    same = [(abs(among[k].midpoint_s - word.midpoint_s), k) for k in positions if among[k].bare == word.bare]
    distance_s, position = min(same, default=(NEAR_S, None))
    return position if distance_s < NEAR_S else None


def _not_before(seam: Sequence[Word], words: Iterable[Word]) -> list[Word]:
    """The words, none starting or ending before the seam's: jitter must not swap words across a seam."""
    placed = list(seam)
    for word in words:
        start_s = max(word.start_s, placed[-1].start_s) if placed else word.start_s
        end_s = max(word.end_s, placed[-1].end_s + SHORTEST_WORD_S) if placed else word.end_s
        placed.append(replace(word, start_s=start_s, end_s=end_s))
    return placed[len(seam) :]


def _first_half(tail: Sequence[Word], later: Heard, end_s: float, cut_s: float) -> list[Word]:
    """What lies before the cut, and what lies behind it where the later window heard nothing yet."""
    deaf_until_s = min((word.start_s for word in later.words), default=end_s)
    return [
        word
        for word in tail
        if word.midpoint_s < cut_s or (word.end_s <= deaf_until_s and word.midpoint_s < end_s - EDGE_S)
    ]


def _second_half(seam: Sequence[Word], tail: Sequence[Word], later: Heard, cut_s: float) -> list[Word]:
    """What lies behind the cut, and what lies before it where the earlier window heard nothing any more.

    A word that the earlier window has already, read differently, is left out.
    """
    deaf_from_s = max((word.end_s for word in tail), default=later.start_s)
    late = [
        word
        for word in later.words
        if word.midpoint_s >= cut_s
        or (word.start_s >= deaf_from_s and word.midpoint_s > later.start_s + EDGE_S)
    ]
    return late[1:] if seam and late and same_sound(seam[0], late[0]) else late


def same_sound(one: Word, other: Word) -> bool:
    """Whether two words take more than half of the shorter one's time in common."""
    common_s = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return common_s > min(one.end_s - one.start_s, other.end_s - other.start_s) / 2
