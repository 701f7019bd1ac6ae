"""Hears again what came back without words: cut anew, and put back where nothing was."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from core.coverage import WORD_REACH_S, is_loud
from core.levels import FRAME, frame_powers
from core.ports import SAMPLE_RATE_HZ
from core.stitch import NEAR_S, same_sound
from core.transcript import Word, monotone
from core.windows import Span, Window, quietest

CONTEXT = SAMPLE_RATE_HZ
"""A second on both sides of what is heard again."""

LEAD = SAMPLE_RATE_HZ // 10
"""0.1 s before the first sound: room for a soft onset, and no more. Half a second of silence in front is what
makes models return nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where something is heard again; small enough to be kept until the end of a file.

    Args:
        start: the sample of the file at which it begins.
        owned: the parts, in order, in samples of the file, whose words are wanted.
    """

    start: int
    owned: tuple[Span, ...]

    @property
    def start_s(self) -> float:
        """Start, in seconds from the start of the audio."""
        return self.start / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class Stretch(Place):
    """A piece of audio that is heard again.

    Args:
        samples: int16, 16 kHz, shape [length]; its own copy.
    """

    samples: NDArray[np.int16]

    @property
    def place(self) -> Place:
        """The same without the audio."""
        return Place(self.start, self.owned)


def retries(window: Window, holes: Iterable[Span]) -> list[Stretch]:
    """What to hear again of a window's holes: stretches of at most half of it, each beginning with sound.

    A longer hole is divided at quiet places. Holes so near that both stretches would hold what lies between
    share one: however many there are, little of a window is heard more than once again. Borders differ from
    the window's in any case.

    Args:
        window: with its samples.
        holes: in order, in samples of the file.
    """
    longest = max(len(window.samples) // 2, FRAME)
    context = min(CONTEXT, longest // 8)
    room = longest - 2 * context
    parts = [
        part
        for begin, end in holes
        for part in _parts(window.samples, begin - window.start, end - window.start, room)
    ]
    if not parts:
        return []
    loud = is_loud(frame_powers(window.samples))
    return [_stretch(window, group, context, loud) for group in _near(parts, 2 * context, room)]


def filled(
    words: Iterable[Word], again: Iterable[tuple[Place, Sequence[Word]]], end_s: float
) -> tuple[Word, ...]:
    """The words, and between them those of the stretches that were heard again; fit as `monotone` makes them.

    A new word's middle lies in what its place owns, and it is none that is known already: neither read the
    same close by, nor sounding at the same time.

    Args:
        words: the transcript's, in order.
        again: places in order, each with the words heard from there, times from its start.
        end_s: the end of the audio.
    """
    known = list(words)
    for place, heard in again:
        for word in _news(known, place, [word.shifted(place.start_s) for word in heard]):
            insort(known, word, key=_start_s)
    return monotone(known, end_s)


def _parts(samples: NDArray[np.int16], begin: int, end: int, longest: int) -> Iterator[Span]:
    while end - begin > longest:
        parts = ceil((end - begin) / longest)
        share = (end - begin) // parts
        latest = begin + min(share + share // 4, longest)
        # Not so early that what is left would need a part more.
        at = quietest(samples, max(begin + share - share // 4, end - (parts - 1) * longest), latest)
        yield begin, at
        begin = at
    yield begin, end


def _near(parts: Iterable[Span], apart: int, longest: int) -> list[list[Span]]:
    """Parts in groups: those that lie less than so far apart, as long as the group stays short enough."""
    groups: list[list[Span]] = []
    for begin, end in parts:
        group = groups[-1] if groups else []
        if group and begin - group[-1][1] < apart and end - group[0][0] <= longest:
            group.append((begin, end))
        else:
            groups.append([(begin, end)])
    return groups


def _stretch(window: Window, parts: Sequence[Span], context: int, loud: NDArray[np.bool_]) -> Stretch:
    (first, _), (_, last) = parts[0], parts[-1]
    begin, end = max(first - context, 0), min(last + context, len(window.samples))
    sounds = np.flatnonzero(loud[begin // FRAME : last // FRAME])
    onset = begin // FRAME + int(sounds[0]) if len(sounds) else first // FRAME
    begin = max(onset * FRAME - LEAD, begin, 0)
    return Stretch(
        window.start + begin,
        tuple((window.start + part[0], window.start + part[1]) for part in parts),
        window.samples[begin:end].copy(),
    )


def _news(known: Sequence[Word], place: Place, heard: Sequence[Word]) -> list[Word]:
    owned_s = [(begin / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ) for begin, end in place.owned]
    first = bisect_left(known, owned_s[0][0] - NEAR_S, key=_end_s)
    near = known[first : bisect_left(known, owned_s[-1][1] + NEAR_S, key=_start_s)]
    old = {_again(word, heard) for word in near}
    return [
        word
        for position, word in enumerate(heard)
        if any(begin_s - WORD_REACH_S <= word.midpoint_s < end_s + WORD_REACH_S for begin_s, end_s in owned_s)
        and position not in old
        and not any(same_sound(word, other) for other in near)
    ]


def _again(word: Word, heard: Sequence[Word]) -> int | None:
    """Where a known word was heard once more."""
    same = [
        (abs(other.midpoint_s - word.midpoint_s), position)
        for position, other in enumerate(heard)
        if other.bare == word.bare
    ]
    distance_s, found = min(same, default=(NEAR_S, -1))
    return found if distance_s < NEAR_S else None


def _start_s(word: Word) -> float:
    return word.start_s


def _end_s(word: Word) -> float:
    return word.end_s
