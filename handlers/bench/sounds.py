"""Audio of any length out of the project's own recordings, with the words in it."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from core.audio import AudioObject, AudioSource
from core.ports import SAMPLE_RATE_HZ
from core.transcript import Word
from infra.clock import SystemClock
from infra.local.memory import MemoryStore
from infra.local.samples import Sample, samples

Samples = NDArray[np.int16]

LONG = "five_minutes.mp3"
ORDER_SEED = 45


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is written."""

    ending: str
    codec: str
    rate_hz: int
    layout: str = "mono"
    bit_rate: int | None = None
    options: tuple[tuple[str, str], ...] = ()


PHONE = Format("mp3", "libmp3lame", 8_000, bit_rate=32_000)
"""The format of the first user's audio."""

FORMATS = {
    "MP3 8 kHz mono 32 kbit/s": PHONE,
    "MP3 44.1 kHz stereo 128 kbit/s": Format("mp3", "libmp3lame", 44_100, "stereo", 128_000),
    "MP3 44.1 kHz stereo, variable": Format(
        "mp3", "libmp3lame", 44_100, "stereo", 128_000, options=(("abr", "1"),)
    ),
    "AAC (m4a) 44.1 kHz stereo 128 kbit/s": Format("m4a", "aac", 44_100, "stereo", 128_000),
    "Opus (ogg) 48 kHz mono 32 kbit/s": Format("ogg", "libopus", 48_000, "mono", 32_000),
    "FLAC 16 kHz mono": Format("flac", "flac", 16_000),
    "WAV 44.1 kHz stereo": Format("wav", "pcm_s16le", 44_100, "stereo"),
}


@dataclass(frozen=True, slots=True)
class Sound:
    """A file and what is said in it."""

    path: Path
    duration_s: float
    words: tuple[Word, ...]


def long_file(folder: Path, seconds: float, form: Format = PHONE) -> Sound:
    """A file of this length; the same length and format is made once per folder.

    The short recordings come in a new order after each turn of the long one, so that no two stretches are
    the same. The last recording is cut off where the length is reached; its words then are too.
    """
    path = folder / f"{seconds:g}s-{form.codec}-{form.rate_hz}-{len(form.options)}.{form.ending}"
    if not path.exists():
        encode(path, _upto(playlist(), seconds), form)
    return Sound(path, seconds, _words_upto(seconds))


def short_files(folder: Path, count: int, form: Format = PHONE) -> list[Sound]:
    """Files of 20 to 40 s, each another stretch of the same audio."""
    chance = random.Random(count)  # noqa: S311 - lengths of test files, not secrets
    lengths = [round(chance.uniform(20, 40), 2) for _ in range(count)]
    stream = np.concatenate(list(_upto(playlist(), sum(lengths))))
    found, at = [], 0
    for index, seconds in enumerate(lengths):
        end = at + round(seconds * SAMPLE_RATE_HZ)
        path = folder / f"short-{index}.{form.ending}"
        encode(path, [stream[at:end]], form)
        found.append(Sound(path, seconds, ()))
        at = end
    return found


def cuts(sound: Sound, seconds: float) -> list[NDArray[np.float32]]:
    """The decoded file in ready pieces of one length, as NeMo takes them; the last one is shorter."""
    whole = np.concatenate(list(decoded(sound.path))).astype(np.float32) / np.float32(32768)
    step = round(seconds * SAMPLE_RATE_HZ)
    pieces = [whole[start : start + step] for start in range(0, len(whole), step)]
    return [piece for piece in pieces if len(piece) >= SAMPLE_RATE_HZ]


def source_of(path: Path, name: str = "") -> AudioSource:
    """The file as an object in a store; the name lets one file appear as several."""
    store = MemoryStore(SystemClock())
    about = store.link("audio", name or path.name, path, {})
    return AudioSource(AudioObject("audio", about.name, about.generation, about.size_bytes), store)


def playlist() -> Iterator[Sample]:
    """All recordings, without an end."""
    chance = random.Random(ORDER_SEED)  # noqa: S311 - an order, not a secret
    every = samples()
    short = [sample for sample in every if sample.path.name != LONG]
    for long in cycle([next(sample for sample in every if sample.path.name == LONG)]):
        yield long
        yield from chance.sample(short, len(short))


def encode(path: Path, blocks: Iterable[Samples], form: Format) -> None:
    """Write 16 kHz mono audio in a stream."""
    with av.open(str(path), "w", container_options={"fflags": "+bitexact"}) as container:
        stream: Any = container.add_stream(form.codec, rate=form.rate_hz, layout=form.layout)
        stream.options = {"flags": "+bitexact", **dict(form.options)}
        if form.bit_rate:
            stream.bit_rate = form.bit_rate
        for frame in (*_frames(blocks), None):
            container.mux(stream.encode(frame))


def decoded(path: Path) -> Iterator[Samples]:
    """The file at 16 kHz mono."""
    resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ)
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            yield from (part.to_ndarray()[0] for part in resampler.resample(frame))
    yield from (part.to_ndarray()[0] for part in resampler.resample(None))


def _frames(blocks: Iterable[Samples]) -> Iterator[av.AudioFrame]:
    at = 0
    for block in blocks:
        for start in range(0, len(block), SAMPLE_RATE_HZ):
            part = block[None, start : start + SAMPLE_RATE_HZ]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, at, Fraction(1, SAMPLE_RATE_HZ)
            at += part.shape[1]
            yield frame


@cache
def _decoded(path: Path) -> Samples:
    return np.concatenate(list(decoded(path)))


def _upto(order: Iterator[Sample], seconds: float) -> Iterator[Samples]:
    left = round(seconds * SAMPLE_RATE_HZ)
    while left:
        audio = _decoded(next(order).path)[:left]
        left -= len(audio)
        yield audio


def _words_upto(seconds: float) -> tuple[Word, ...]:
    words: list[Word] = []
    at = 0
    for sample in playlist():
        words += (word.shifted(at / SAMPLE_RATE_HZ) for word in sample.words)
        at += len(_decoded(sample.path))
        if at >= seconds * SAMPLE_RATE_HZ:
            return tuple(word for word in words if word.end_s <= seconds)
    raise AssertionError("the playlist has no end")
