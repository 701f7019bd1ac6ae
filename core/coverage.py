"""Finds sound as of speech for which a transcript has no word.

A model may return nothing for a stretch that is full of speech, and its answer doesn't tell. So the level of
the audio is held against the words. Speech is told from hum and even noise by two marks: it rises above the
quietest tenth of its surroundings, and its level goes up and down with every syllable. Music has both marks.
"""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from core.levels import FRAME, decibels, frame_powers
from core.ports import SAMPLE_RATE_HZ
from core.transcript import Gap, Word
from core.windows import Span, Window

LEAST_HOLE_S = 3.0
"""So much sound without a word is a hole; a breath, a cough or a door is shorter."""

LEAST_PART_S = 0.1
"""What lies beyond a cut and is shorter holds no word."""

LEAST_BROKEN_S = 0.5
"""What can't be decoded and is longer may have swallowed a word; of a shorter one the rest is still heard."""

WORD_REACH_S = 0.25
"""A word sounds a little beyond its times: models draw them too narrow, by up to three frames of 80 ms."""

BRIDGE_S = 0.5
"""A pause between two words; it counts as sound."""

PAUSE_S = 1.5
"""A pause between two sentences; both sides of it are one hole."""

QUIETEST_DB = -50.0
"""Sound below this, in dBFS, is no speech that a model would hear."""

ABOVE_FLOOR_DB = 9.0
"""So far above the quietest tenth of the window sound begins; even noise stays within 3 dB."""

VARIATION_DB = 6.0
"""Between the quietest and the loudest tenth of a hole, both over 0.1 s. Measured: speech has 20 and more,
or 7 with white noise 3 dB below it; hum has 5 at most, noise of any colour, or 100 Hz wide, 4."""

SYLLABLE_FRAMES = 5

Mask = NDArray[np.bool_]
Runs = NDArray[np.intp]


def holes(window: Window, words: Iterable[Word]) -> list[Span]:
    """Stretches inside a window, longer than 3 s, that sound as of speech and hold no word; in samples.

    A hole that lies in two windows belongs to the one whose core holds its middle. A hole that fills all that
    two windows share is divided on the cut between them, and each window reports its part. So a hole is found
    whole where windows share at least 3 s and a pause of half a second; with less, the part in one window has
    to be longer than 3 s.

    Args:
        window: the window.
        words: all that was heard from its start to its end, times in the audio, after joining its neighbours.
    """
    power = frame_powers(window.samples)
    if len(power) * FRAME <= LEAST_HOLE_S * SAMPLE_RATE_HZ:
        return []
    worded = _worded(len(power), window.start_s, words)
    free = _bridged(is_loud(power)) & ~worded
    found = (
        _owned(window, window.start + int(begin) * FRAME, window.start + int(end) * FRAME)
        for begin, end in _groups(free, worded)
        if _is_speech(power[begin:end], free[begin:end])
    )
    return [span for span in found if span is not None]


def is_loud(power: NDArray[np.float64]) -> Mask:
    """Which frames stand out of the quietest tenth, and can be heard. Shapes: [frames] -> [frames]."""
    levels = decibels(power)
    return levels > max(QUIETEST_DB, float(np.percentile(levels, 10)) + ABOVE_FLOOR_DB)


def gaps(
    words: Sequence[Word], found: Iterable[Span], broken: Iterable[Span], end_s: float
) -> tuple[Gap, ...]:
    """What a transcript has to own up to, in order: holes that stayed empty, and audio that is broken.

    Args:
        words: of the whole transcript, with what was heard when the holes were heard again.
        found: the holes of all windows.
        broken: what could not be decoded, of all windows.
        end_s: the end of the audio.
    """
    lost = [span for span in _merged(broken, end_s) if span[1] - span[0] > LEAST_BROKEN_S]
    heard = [(word.start_s - WORD_REACH_S, word.end_s + WORD_REACH_S) for word in words]
    empty = _without(_merged(found, end_s), sorted([*heard, *lost]))
    return tuple(
        sorted(
            [
                *(Gap(*span, "not_decodable") for span in lost),
                *(Gap(*span, "no_words") for span in empty if span[1] - span[0] > LEAST_HOLE_S),
            ],
            key=lambda gap: gap.start_s,
        )
    )


def _worded(frames: int, start_s: float, words: Iterable[Word]) -> Mask:
    mask = np.zeros(frames, np.bool_)
    rate = SAMPLE_RATE_HZ / FRAME
    for word in words:
        begin = max(round((word.start_s - WORD_REACH_S - start_s) * rate), 0)
        end = max(round((word.end_s + WORD_REACH_S - start_s) * rate), 0)
        mask[begin:end] = True
    return mask


def _runs(mask: Mask, bridge_s: float) -> Runs:
    """Begin and end of each stretch of True, those joined that lie at most so far apart: [runs, 2]."""
    edges = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    begins, ends = edges[::2], edges[1::2]
    apart = (begins[1:] - ends[:-1]) * FRAME > bridge_s * SAMPLE_RATE_HZ
    return np.stack(
        [begins[np.r_[True, apart][: len(begins)]], ends[np.r_[apart, True][: len(ends)]]], axis=1
    )


def _bridged(mask: Mask) -> Mask:
    filled = mask.copy()
    for begin, end in _runs(mask, BRIDGE_S):
        filled[begin:end] = True
    return filled


def _groups(free: Mask, worded: Mask) -> list[tuple[int, int]]:
    """Stretches of sound with no more than a pause between them, and no word."""
    groups: list[tuple[int, int]] = []
    for begin, end in _runs(free, 0.0).tolist():
        near = groups and (begin - groups[-1][1]) * FRAME <= PAUSE_S * SAMPLE_RATE_HZ
        if near and not worded[groups[-1][1] : begin].any():
            groups[-1] = (groups[-1][0], end)
        else:
            groups.append((begin, end))
    return groups


def _is_speech(power: NDArray[np.float64], free: Mask) -> bool:
    if int(free.sum()) * FRAME <= LEAST_HOLE_S * SAMPLE_RATE_HZ:
        return False
    smooth = np.convolve(power, np.full(SYLLABLE_FRAMES, 1 / SYLLABLE_FRAMES), mode="valid")
    low, high = np.percentile(decibels(smooth), (10, 90))
    return bool(high - low >= VARIATION_DB)


def _owned(window: Window, begin: int, end: int) -> Span | None:
    """The part of a hole that this window reports, if any."""
    before, behind = window.core_start - window.start, window.end - window.core_end
    if (
        before
        and begin <= window.start + _slack(before)
        and end >= window.core_start + before - _slack(before)
    ):
        begin = window.core_start
    if behind and begin <= window.core_end - behind + _slack(behind) and end >= window.end - _slack(behind):
        end = window.core_end
    is_mine = window.core_start <= (begin + end) / 2 < window.core_end
    return (begin, end) if is_mine and end - begin >= LEAST_PART_S * SAMPLE_RATE_HZ else None


def _slack(context: int) -> int:
    """A hole may pause where a window ends; both neighbours must still see that it fills what they share."""
    return min(round(BRIDGE_S * SAMPLE_RATE_HZ), context)


def _merged(spans: Iterable[Span], end_s: float) -> list[tuple[float, float]]:
    """In order, in seconds, inside the audio; those that touch are one."""
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        start_s, stop_s = begin / SAMPLE_RATE_HZ, min(end / SAMPLE_RATE_HZ, end_s)
        if merged and start_s <= merged[-1][1]:
            start_s, stop_s = merged[-1][0], max(merged.pop()[1], stop_s)
        merged.append((start_s, stop_s))
    return merged


def _without(
    spans: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]]
) -> list[tuple[float, float]]:
    """What is left of the spans; both in order of start."""
    left: list[tuple[float, float]] = []
    first = 0
    for start_s, end_s in spans:
        while first < len(taken) and taken[first][1] <= start_s:
            first += 1
        free_s = start_s
        for begin_s, stop_s in islice(taken, first, None):
            if begin_s >= end_s:
                break
            if begin_s > free_s:
                left.append((free_s, begin_s))
            free_s = max(free_s, stop_s)
        if free_s < end_s:
            left.append((free_s, end_s))
    return left
