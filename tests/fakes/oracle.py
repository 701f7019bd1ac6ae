"""Speech that is known word by word, and what a window of it would be heard as."""

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.ports import SAMPLE_RATE_HZ
from core.stitch import Heard
from core.transcript import Word

LONGEST_WORD_S, SHORTEST_WORD_S = 0.6, 0.15
JITTER_S = 0.149


def speak(rng: random.Random, duration_s: float, vocabulary: Sequence[str]) -> list[Word]:
    """Words without a gap, with small gaps, or with long pauses, and the same word over and over."""
    words: list[Word] = []
    now_s = rng.uniform(0, 1)
    pause, repeat = rng.choice([0.0, 0.02, 0.2]), rng.choice([0.0, 0.3, 0.9])
    shortest_s = rng.choice([SHORTEST_WORD_S, 0.55])
    while True:
        length_s = rng.choice([shortest_s, rng.uniform(shortest_s, LONGEST_WORD_S), LONGEST_WORD_S])
        if now_s + length_s > duration_s:
            return words
        text = words[-1].text if words and rng.random() < repeat else rng.choice(vocabulary)
        words.append(Word(text, now_s, now_s + length_s))
        now_s += length_s + (rng.uniform(0.3, 6) if rng.random() < pause else rng.choice([0, 0, 0.05, 0.3]))


def bounds(duration_s: float, length_s: float, overlap_s: float) -> list[tuple[float, float]]:
    """Starts and ends of the windows of a file."""
    step_s, found = length_s - overlap_s, [0.0]
    while found[-1] + length_s < duration_s:
        found.append(min(found[-1] + step_s, max(duration_s - length_s, found[-1] + 0.001)))
    return [(start_s, min(start_s + length_s, duration_s)) for start_s in found]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a window lies, and the cut before it."""

    start_s: float
    cut_s: float
    end_s: float


def plan(rng: random.Random, duration_s: float, length_s: float) -> list[Placed]:
    """Windows of up to a length with cuts anywhere, and at least 1 s of context on each side of a cut."""
    cuts, contexts = [0.0], [(0.0, 0.0)]
    while True:
        before, behind = rng.choice([(1.0, 1.0), (2.0, 2.0), (rng.uniform(1, 3), rng.uniform(1, 3))])
        # Windows that are not neighbours share nothing.
        least_s, most_s = contexts[-1][1] + before, length_s - contexts[-1][0] - behind
        cut_s = cuts[-1] + rng.choice([least_s, rng.uniform(least_s, most_s), most_s])
        if cut_s + behind >= duration_s:
            break
        cuts.append(cut_s)
        contexts.append((before, behind))
    ends = [cut_s + behind for cut_s, (_, behind) in zip(cuts[1:], contexts[1:], strict=True)]
    return [
        Placed(cut_s - before, cut_s, end_s)
        for cut_s, (before, _), end_s in zip(cuts, contexts, [*ends, duration_s], strict=True)
    ]


def sound(words: Sequence[Word], duration_s: float, quiet: float) -> NDArray[np.int16]:
    """Audio in which every word is a burst; between them it is as loud as `quiet`, from 0 to 1."""
    loudness = np.full(round(duration_s * SAMPLE_RATE_HZ), quiet)
    for word in words:
        begin, end = round(word.start_s * SAMPLE_RATE_HZ), round(word.end_s * SAMPLE_RATE_HZ)
        loudness[begin:end] = np.maximum(np.sin(np.linspace(0, np.pi, end - begin)), quiet)[
            : len(loudness) - begin
        ]
    tone = np.sin(np.arange(len(loudness)) * (2 * np.pi * 400 / SAMPLE_RATE_HZ))
    samples: NDArray[np.int16] = (10_000 * loudness * tone).astype(np.int16)
    return samples


def reach(words: Sequence[Word]) -> list[float]:
    """How far each word's middle may be misplaced: a quarter of the way to the next that reads the same."""
    limits = []
    for i, word in enumerate(words):
        near = [*words[max(0, i - 5) : i], *words[i + 1 : i + 6]]
        gaps = [abs(other.midpoint_s - word.midpoint_s) for other in near if other.text == word.text]
        limits.append(min([JITTER_S, *(0.249 * gap for gap in gaps)]))
    return limits


def hear(
    rng: random.Random, words: Sequence[Word], limits: Sequence[float], start_s: float, end_s: float
) -> Heard:
    """The words of one window, each at a jittered place, in order; those at the edges spoilt."""
    inside = [i for i, word in enumerate(words) if start_s <= word.start_s and word.end_s <= end_s]
    cut = [word for word in words if word.start_s < start_s < word.end_s or word.start_s < end_s < word.end_s]
    extreme = rng.random() < 0.3
    bias = rng.choice([-1, 1])
    latest_s = [words[i].midpoint_s + limits[i] for i in inside]
    for k in range(len(latest_s) - 2, -1, -1):
        latest_s[k] = min(latest_s[k], latest_s[k + 1])
    heard: list[Word] = []
    before_s = start_s + 0.01
    for i, upper_s in zip(inside, latest_s, strict=True):
        word = words[i]
        low_s = max(before_s, word.midpoint_s - limits[i])
        high_s = max(low_s, min(upper_s, end_s - 0.01))
        middle_s = (low_s if bias < 0 else high_s) if extreme else rng.uniform(low_s, high_s)
        half_s = min((word.end_s - word.start_s) / 2, middle_s - start_s, end_s - middle_s)
        heard.append(
            Word(rng.choice([word.text, word.text.title() + ","]), middle_s - half_s, middle_s + half_s)
        )
        before_s = middle_s
    spoilt = [_spoil(rng, word, words, start_s, end_s) for word in cut]
    return Heard(
        start_s, end_s, tuple(sorted((*heard, *(w for ws in spoilt for w in ws)), key=lambda w: w.midpoint_s))
    )


def _spoil(rng: random.Random, word: Word, words: Sequence[Word], start_s: float, end_s: float) -> list[Word]:
    """A word that an edge cuts: missing, whole, a piece of it, another word, or one word too many."""
    shift_s = rng.uniform(-JITTER_S, JITTER_S)
    seen = Word(word.text, max(word.start_s, start_s) + shift_s, min(word.end_s, end_s) + shift_s)
    near = words[bisect_right([w.start_s for w in words], word.start_s) - 3 :][:6] or words
    text = rng.choice([word.text, word.text[:2], rng.choice(near).text, "uh"])
    outer_s = seen.end_s if word.end_s > end_s else seen.start_s
    between_s = (seen.midpoint_s + outer_s) / 2  # two words in the half at the edge
    twice = [
        Word(text, min(seen.midpoint_s, between_s), max(seen.midpoint_s, between_s)),
        Word("uh", min(outer_s, between_s), max(outer_s, between_s)),
    ]
    return rng.choice([[], [Word(text, seen.start_s, seen.end_s)], twice])
