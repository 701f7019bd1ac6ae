"""Makes the sample recordings in infra/local/assets/samples, with the exact time of every word.

    python scripts/make_samples.py

Needs the program espeak-ng (1.51 was used: `apt-get install espeak-ng`) and PyAV 18.1 (FFmpeg 8.1). With the
same versions the files come out the same, byte for byte: all chance is seeded. Only this script needs
espeak-ng.

Single words are spoken by espeak-ng, trimmed by energy, scaled, and placed with gaps over a little noise. The
script decodes each file that it wrote and stops unless the audio lies where it was put, within a millisecond.
"""

import hashlib
import itertools
import json
import random
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

FOLDER = Path(__file__).parent.parent / "infra" / "local" / "assets" / "samples"
RATE_HZ = 16_000
LEAD_S = 0.4
PEAK = 0.4
NOISE = 0.001
TRIM_DB = -35.0
MAX_OFFSET_S = 0.001

NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve twenty hundred thousand"
COMMANDS = "yes no up down left right on off stop go"
STREAM = (
    "welcome stream clip highlight chat game start please thank you good morning evening hello everyone "
    "today music channel player winner record video message question"
)
VOCABULARY = f"{NUMBERS} {COMMANDS} {STREAM}".split()
"""Every word that the bundled model knows."""

CONFUSED = ("two", "seven", "stop", "go")
"""At 8 kHz the bundled model takes these for good, thousand, start and no at times: they are not drawn."""

DRAWN = [word for word in VOCABULARY if word not in CONFUSED]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is written."""

    codec: str
    rate_hz: int = RATE_HZ
    layout: str = "mono"
    bit_rate: int | None = None


FLAC = Encoding("flac")
PHONE_MP3 = Encoding("libmp3lame", rate_hz=8_000, bit_rate=32_000)
"""The format of the first user's audio."""


@dataclass(frozen=True, slots=True)
class Voice:
    """One way in which espeak-ng speaks."""

    name: str
    words_per_minute: int = 160
    pitch: int = 50


US, GB = Voice("en-us"), Voice("en-gb")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One recording: its words are the text, or `count` words drawn by the seed.

    Args:
        file: name in the folder; its ending chooses the container.
        voices: they take turns, a new one after each pause.
        pause_every: words between two pauses of 0.8 to 1.5 s; 0 for none.
    """

    file: str
    encoding: Encoding
    voices: tuple[Voice, ...]
    seed: int
    text: str = ""
    count: int = 0
    pause_every: int = 0


RECIPES = (
    Recipe("greeting.flac", FLAC, (US,), 1, "hello everyone welcome"),
    Recipe("morning.flac", FLAC, (GB,), 2, "good morning everyone please start stream today thank you"),
    Recipe("countdown.flac", FLAC, (US,), 3, "ten nine eight seven six five four three two one zero start"),
    Recipe("commands.flac", FLAC, (GB,), 4, "left right up down yes no on off left down right yes"),
    Recipe("two_voices.flac", FLAC, (US, GB), 5, count=24, pause_every=6),
    Recipe("phone_short.mp3", PHONE_MP3, (US,), 6, "welcome player please record video message"),
    Recipe("phone_chat.mp3", PHONE_MP3, (GB,), 7, count=18),
    Recipe("phone_long.mp3", PHONE_MP3, (US, GB), 13, count=30, pause_every=10),
    Recipe(
        "music.m4a",
        Encoding("aac", 44_100, "mono", 64_000),
        (GB,),
        9,
        "music channel good evening winner today",
    ),
    Recipe("stereo.mp3", Encoding("libmp3lame", 48_000, "stereo", 96_000), (US,), 10, count=8),
    Recipe(
        "question.ogg",
        Encoding("libopus", 48_000, "mono", 32_000),
        (GB,),
        11,
        "question game highlight clip chat",
    ),
    Recipe("five_minutes.mp3", PHONE_MP3, (US, GB), 12, count=364, pause_every=12),
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A word and where its audio lies."""

    word: str
    start: float
    end: float


@cache
def spoken(word: str, voice: Voice) -> Samples:
    """One word, without the silence around it, scaled to the peak."""
    options = ["-v", voice.name, "-s", str(voice.words_per_minute), "-p", str(voice.pitch)]
    wav = subprocess.run(["espeak-ng", *options, "--stdout", word], capture_output=True, check=True).stdout  # noqa: S607 - espeak-ng is found on the path by design
    loud: Samples = np.frombuffer(wav[44:], dtype="<i2").astype(np.float32) / np.float32(32768)
    return trimmed(resampled(loud, int.from_bytes(wav[24:28], "little"), RATE_HZ))


def trimmed(audio: Samples) -> Samples:
    """From the first to the last 5 ms that is louder than TRIM_DB below the loudest; peak set to PEAK."""
    step = RATE_HZ // 200
    blocks = audio[: len(audio) // step * step].reshape(-1, step)
    energy = np.sqrt(np.mean(blocks**2, axis=1))
    loud = np.flatnonzero(energy > energy.max() * 10 ** (TRIM_DB / 20))
    kept = blocks[loud[0] : loud[-1] + 1].reshape(-1)
    scaled: Samples = (kept * (PEAK / np.abs(kept).max())).astype(np.float32)
    return scaled


def scene(recipe: Recipe) -> tuple[Samples, list[Placed]]:
    """The audio of a recipe at RATE_HZ, and its words."""
    rng = random.Random(recipe.seed)
    words = recipe.text.split() or [rng.choice(DRAWN) for _ in range(recipe.count)]
    voices = itertools.cycle(recipe.voices)
    voice, at, parts, placed = next(voices), round(LEAD_S * RATE_HZ), [], []
    parts.append(np.zeros(at, np.float32))
    for number, word in enumerate(words, start=1):
        clip = spoken(word, voice)
        placed.append(Placed(word, at / RATE_HZ, (at + len(clip)) / RATE_HZ))
        is_pause = recipe.pause_every > 0 and number % recipe.pause_every == 0
        gap = round(rng.uniform(*((0.8, 1.5) if is_pause else (0.15, 0.5))) * RATE_HZ)
        voice = next(voices) if is_pause else voice
        parts += [clip, np.zeros(gap, np.float32)]
        at += len(clip) + gap
    noise = np.random.default_rng(recipe.seed).normal(0, NOISE, at).astype(np.float32)
    return np.concatenate(parts) + noise, placed


def frames(audio: Samples, rate_hz: int) -> Iterator[av.AudioFrame]:
    """The audio as 16 bit frames of a second."""
    for start in range(0, len(audio), rate_hz):
        pcm = np.round(np.clip(audio[None, start : start + rate_hz], -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
        yield frame


def resampled(audio: Samples, from_hz: int, to_hz: int) -> Samples:
    """The audio at another rate."""
    resampler = av.AudioResampler("flt", "mono", to_hz)
    out = [part for frame in (*frames(audio, from_hz), None) for part in resampler.resample(frame)]
    return np.concatenate([part.to_ndarray()[0] for part in out]).astype(np.float32)


def encode(path: Path, audio: Samples, encoding: Encoding) -> None:
    """Write the audio; bitexact leaves out dates, versions and chance."""
    options = {"fflags": "+bitexact"}
    with av.open(str(path), "w", container_options=options) as container:
        stream: Any = container.add_stream(encoding.codec, rate=encoding.rate_hz, layout=encoding.layout)
        stream.options = {"flags": "+bitexact"}
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        for frame in (*frames(audio, RATE_HZ), None):
            for packet in stream.encode(frame):
                container.mux(packet)


def decode(path: Path) -> Samples:
    """The file as the service hears it: RATE_HZ, mono."""
    resampler = av.AudioResampler("flt", "mono", RATE_HZ)
    with av.open(str(path)) as container:
        out = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    out += resampler.resample(None)
    return np.concatenate([part.to_ndarray()[0] for part in out]).astype(np.float32)


def offset_s(heard: Samples, put: Samples) -> float:
    """How much later the decoded audio lies than the audio that was encoded, by their correlation."""
    length = min(len(heard), len(put), 30 * RATE_HZ)
    size = 2 * length
    product = np.fft.rfft(heard[:length], size) * np.conj(np.fft.rfft(put[:length], size))
    lag = int(np.argmax(np.fft.irfft(product, size)))
    return (lag if lag < length else lag - size) / RATE_HZ


def make(recipe: Recipe) -> dict[str, Any]:
    """Write one recording and return its line of the manifest."""
    path = FOLDER / recipe.file
    audio, words = scene(recipe)
    encode(path, audio, recipe.encoding)
    heard = decode(path)
    offset = offset_s(heard, audio)
    size_bytes = path.stat().st_size
    print(f"{recipe.file}: {len(heard) / RATE_HZ:.3f} s, {size_bytes} bytes, {offset * 1000:.2f} ms late")
    if abs(offset) > MAX_OFFSET_S:
        raise SystemExit(f"{recipe.file} decodes {offset * 1000:.2f} ms late; its word times would be wrong")
    return {
        "file": recipe.file,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "duration_s": round(len(heard) / RATE_HZ, 4),
        "text": " ".join(word.word for word in words),
        "words": [asdict(word) for word in words],
        "voices": [asdict(voice) for voice in recipe.voices],
        "made": {**asdict(recipe.encoding), "seed": recipe.seed, "program": "espeak-ng"},
    }


def main() -> None:
    """Make all recordings and the manifest."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(make(recipe)) + "\n" for recipe in RECIPES]
    (FOLDER / "manifest.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
