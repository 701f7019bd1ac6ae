"""Sounds, the files that PyAV makes of them, and a store that holds such files."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, cast

import av
import numpy as np
from numpy.typing import NDArray

from core.audio import AudioObject, AudioSource
from core.ports import ObjectNotFound
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a sound is stored."""

    container: str
    codec: str
    rate: int = 48_000
    layout: str = "mono"
    bit_rate: int | None = None
    options: tuple[tuple[str, str], ...] = ()
    codec_options: tuple[tuple[str, str], ...] = ()
    video: bool = False


def chirp(seconds: float, rate: int) -> Samples:
    """A tone that climbs from 200 to 1500 Hz: any shift in time shows."""
    t = np.arange(round(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * (200 * t + (1300 / (2 * max(seconds, 0.01))) * t * t))


class _Pipe:
    """A writer without seek, as a pipe is."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()

    def write(self, data: bytes) -> int:
        return self._bytes.write(data)

    def getvalue(self) -> bytes:
        return self._bytes.getvalue()


def encoded(sound: Samples, recipe: Recipe, *, to_pipe: bool = False) -> bytes:
    """A file of the sound, the same in all channels; the sound has the recipe's rate."""
    target: io.BytesIO | _Pipe = _Pipe() if to_pipe else io.BytesIO()
    with av.open(cast("BinaryIO", target), "w", format=recipe.container, options=dict(recipe.options)) as out:
        stream = out.add_stream(recipe.codec, rate=recipe.rate, options=dict(recipe.codec_options))
        assert isinstance(stream, av.AudioStream)
        stream.layout = recipe.layout
        if recipe.bit_rate:
            stream.bit_rate = recipe.bit_rate
        picture = _add_video(out) if recipe.video else None
        for frame in _frames(sound, recipe):
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if picture is not None:
            out.mux(picture.encode(None))
    return target.getvalue()


def silent_film(seconds: int) -> bytes:
    """A video without any audio."""
    target = io.BytesIO()
    with av.open(target, "w", format="webm") as out:
        stream = _add_video(out)
        for index in range(seconds):
            frame = av.VideoFrame(64, 48, "yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 1)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target.getvalue()


def _add_video(out: av.container.OutputContainer) -> av.VideoStream:
    stream = out.add_stream("libvpx", rate=1)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    return stream


def _frames(sound: Samples, recipe: Recipe) -> Iterable[av.AudioFrame]:
    channels = av.AudioLayout(recipe.layout).nb_channels
    for start in range(0, len(sound), recipe.rate):
        part = sound[start : start + recipe.rate].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.repeat(part, channels)[None, :], "flt", recipe.layout)
        frame.sample_rate, frame.pts, frame.time_base = recipe.rate, start, Fraction(1, recipe.rate)
        yield frame


def seconds_stamped(*starts_s: float) -> bytes:
    """One second of sound for each time stamp, in a container that keeps them as they are."""
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as out:
        stream = out.add_stream("pcm_s16le", rate=16_000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        for start_s in starts_s:
            frame = av.AudioFrame.from_ndarray(np.full((1, 16_000), 9_000, np.int16), "s16", "mono")
            frame.sample_rate, frame.time_base = 16_000, Fraction(1, 16_000)
            frame.pts = round(start_s * 16_000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return target.getvalue()


class CountingStream(io.BytesIO):
    """Counts the bytes read, and can break off with an exception."""

    def __init__(self, data: bytes, fail_at: int | None = None, failure: Exception | None = None) -> None:
        super().__init__(data)
        self.reads = self.bytes_read = 0
        self._fail_at, self._failure = fail_at, failure

    def read(self, size: int | None = -1) -> bytes:
        if self._failure is not None and self._fail_at is not None and self.tell() >= self._fail_at:
            raise self._failure
        data = super().read(size)
        self.reads, self.bytes_read = self.reads + 1, self.bytes_read + len(data)
        return data


class OneFileStore(MemoryStore):
    """A store of which whatever is opened is one stream; None for a file that is gone."""

    def __init__(self, stream: CountingStream | None) -> None:
        super().__init__(FakeClock())
        self.stream = stream

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:
        if self.stream is None:
            raise ObjectNotFound(name)
        return self.stream


def source_of(data: bytes | CountingStream | None, name: str = "1/audio_1.mp3") -> AudioSource:
    """The file as an object; None for one that is gone."""
    stream = CountingStream(data) if isinstance(data, bytes) else data
    return AudioSource(AudioObject("audio", name, 1), OneFileStore(stream))


MP3 = Recipe("mp3", "libmp3lame", rate=8_000, bit_rate=32_000)
"""What the pipeline stores."""

VARIABLE = (("flags", "+qscale"), ("global_quality", "236"))
"""Codec options of an MP3 whose bit rate follows the sound; 236 is quality 2 (FF_QP2LAMBDA is 118)."""
