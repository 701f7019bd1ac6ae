"""Recordings with the exact time of every word, for tests of all layers."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from core.transcript import Word, text_of
from infra.local.samples import samples
from scripts.make_samples import PHONE_MP3, RATE_HZ, Samples, decode, encode

LONG = "five_minutes.mp3"
BESIDE = Path(__file__).parents[2] / "shared" / "assets" / "recordings"


@dataclass(frozen=True, slots=True)
class Recording:
    """A file and what is said in it."""

    path: Path
    duration_s: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """All words, joined by one space."""
        return text_of(self.words)

    def audio(self) -> Samples:
        """The file, decoded to 16 kHz mono, float32 in [-1, 1]."""
        return decode(self.path)


@cache
def committed() -> dict[str, Recording]:
    """The recordings of infra/local/assets/samples, by file name."""
    return {sample.path.name: Recording(sample.path, sample.duration_s, sample.words) for sample in samples()}


def short_samples() -> tuple[Recording, ...]:
    """Those of 3 to 26 s, in several formats; the bundled model hears each word of them right."""
    return tuple(recording for name, recording in committed().items() if name != LONG)


def five_minutes() -> Recording:
    """The long one, as MP3 of 8 kHz and 32 kbit/s."""
    return committed()[LONG]


def forty_five_minutes(folder: Path) -> Recording:
    """At least 45 minutes as MP3 of 8 kHz and 32 kbit/s, put together from all committed recordings.

    The short ones come in a new order after each turn of the long one, so that no two stretches are the same.
    """
    parts, words, at = [], [], 0
    for recording in _playlist():
        audio = recording.audio()
        words += [word.shifted(at / RATE_HZ) for word in recording.words]
        parts.append(audio)
        at += len(audio)
        if at >= 45 * 60 * RATE_HZ:
            break
    path = folder / "forty_five_minutes.mp3"
    encode(path, np.concatenate(parts), PHONE_MP3)
    return Recording(path, at / RATE_HZ, tuple(words))


def real_voices() -> tuple[Recording, ...]:
    """Recordings of people from a folder beside the repository; without one the test is skipped."""
    return _beside("manifest.jsonl")


def five_minutes_of_real_voices() -> Recording:
    """The long one of these; without it the test is skipped."""
    return _beside("long_5min.jsonl")[0]


def _beside(manifest: str) -> tuple[Recording, ...]:
    if not (BESIDE / manifest).exists():
        pytest.skip(f"unverified on real voices: there is no {manifest} in {BESIDE}")
    return tuple(_listed(BESIDE / manifest))


def _playlist() -> Iterator[Recording]:
    chance = random.Random(45)
    for long in cycle([five_minutes()]):
        yield long
        yield from chance.sample(short_samples(), len(short_samples()))


def _listed(manifest: Path) -> Iterator[Recording]:
    for line in manifest.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield Recording(
            manifest.parent / row["audio_filepath"],
            row["duration"],
            tuple(Word(word["word"], word["start"], word["end"]) for word in row["words"]),
        )
