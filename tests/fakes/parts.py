"""Sound of any length, and engines that hear all of a source, a part of a file, or fail at it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.audio import AudioInfo, AudioObject, AudioSource
from core.billing import Bill, Runner, Usage
from core.clips import Clip, ClippedReader, Clipper
from core.ports import SAMPLE_RATE_HZ, AudioReader, Block
from core.transcript import Gap, Transcript, Word, monotone
from infra.clipping import flac
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock

Which = Literal["whole", "head", "middle", "tail"]
Hear = Callable[[float, float], Sequence[Word]]


class SoundReader:
    """core.ports.AudioReader of one sound, in blocks of any length; `taken` is what was read of it."""

    def __init__(self, samples: NDArray[np.int16], block: int = 10 * SAMPLE_RATE_HZ) -> None:
        self.samples, self.block = samples, block
        self.taken = 0

    def probe(self, source: AudioSource) -> AudioInfo:
        return AudioInfo(len(self.samples) / SAMPLE_RATE_HZ, 8_000, 1, "mp3")

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        self.taken = 0
        for start in range(0, len(self.samples), self.block):
            samples = self.samples[start : start + self.block]
            self.taken += len(samples)
            yield Block(samples)


class EndlessReader:
    """core.ports.AudioReader of silence without an end."""

    def probe(self, source: AudioSource) -> AudioInfo:
        return AudioInfo(600.0, 8_000, 1, "mp3")

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        while True:
            yield Block(np.zeros(SAMPLE_RATE_HZ, np.int16))


def silence(seconds: float) -> SoundReader:
    """As much of it."""
    return SoundReader(np.zeros(round(seconds * SAMPLE_RATE_HZ), np.int16))


def clipper(reader: AudioReader) -> Clipper:
    """A clipper over files and clips."""
    return Clipper(ClippedReader(reader), flac)


def source(size_bytes: int = 1_000, **metadata: str) -> AudioSource:
    """An object whose bytes no reader here looks at."""
    store = MemoryStore(FakeClock())
    about = store.write("audio", "1/audio_1.mp3", bytes(size_bytes or 10))
    audio = AudioObject("audio", about.name, about.generation, size_bytes, "", metadata)
    return AudioSource(audio, store)


def apart(words: Sequence[Word]) -> list[Word]:
    """The words around their middles, none overlapping its neighbours: as engines give them."""
    middles = [word.midpoint_s for word in words]
    found = []
    for i, word in enumerate(words):
        half_s = (word.end_s - word.start_s) / 2
        for beside in (i - 1, i + 1):
            if 0 <= beside < len(words):
                half_s = min(half_s, abs(middles[beside] - middles[i]) / 2)
        found.append(replace(word, start_s=middles[i] - half_s, end_s=middles[i] + half_s))
    return found


def which(of: AudioSource) -> Which:
    """Which part of a file a source is."""
    if not isinstance(of.store, Clip):
        return "whole"
    if of.store.end is None:
        return "tail"
    return "middle" if of.store.start else "head"


class PartEngine:
    """core.ports.Engine: reads a source to its end, and hears what a function of its times says.

    Args:
        name: of the engine.
        reader: reads files and clips.
        hear: the words between two times of the file, with times from the file's start.
        fails: what is raised for which part, after it was read.
        gaps: of each part, from the part's start.
        meanwhile: called with each source while it is heard.
        off_s: how much too long it says each part is.
    """

    def __init__(
        self,
        name: Runner,
        reader: AudioReader,
        hear: Hear = lambda start_s, end_s: (),
        *,
        fails: Mapping[Which, Exception] | None = None,
        gaps: Mapping[Which, tuple[Gap, ...]] | None = None,
        meanwhile: Callable[[AudioSource], object] = lambda source: None,
        off_s: float = 0.0,
    ) -> None:
        self._name, self._reader, self._hear = name, reader, hear
        self.fails, self._gaps, self._meanwhile, self._off_s = fails or {}, gaps or {}, meanwhile, off_s
        self.asked: list[tuple[Which, AudioSource, AudioInfo]] = []

    @property
    def name(self) -> str:
        return self._name

    @property
    def model(self) -> str:
        return f"{self._name}-fake"

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        part = which(source)
        self.asked.append((part, source, info))
        self._meanwhile(source)
        heard_s = 0.0
        try:
            transcript = self._transcript(part, source)
            heard_s = transcript.duration_s
        finally:
            bill.add(Usage(self._name, self.model, heard_s=heard_s, active_s=1.0))
        return transcript

    def _transcript(self, part: Which, source: AudioSource) -> Transcript:
        samples = sum(len(block.samples) for block in self._reader.blocks(source))
        if part in self.fails:
            raise self.fails[part]
        start_s = source.store.start / SAMPLE_RATE_HZ if isinstance(source.store, Clip) else 0.0
        duration_s = samples / SAMPLE_RATE_HZ
        said = (word.shifted(-start_s) for word in self._hear(start_s, start_s + duration_s))
        duration_s += self._off_s
        words, gaps = monotone(said, duration_s), self._gaps.get(part, ())
        language = source.object.metadata.get("language", "en")
        return Transcript(words, duration_s, self.name, self.model, language, gaps)
