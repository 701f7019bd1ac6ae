"""One pass of FFmpeg over an audio stream: packets in, blocks of 16 kHz mono out, holes as silence."""

from collections.abc import Iterator

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from core.errors import Damaged
from core.ports import SAMPLE_RATE_HZ
from infra.audio_file import AudioFile

BLOCK_SAMPLES = 10 * SAMPLE_RATE_HZ

HOLE_S = 0.1
"""Time stamps are rounded to a millisecond in some containers; the shortest packet lost is about as long."""


class Decoding:
    """One pass over a file.

    `heard_s` is what was decoded, `position_s` the same with the holes between.
    """

    def __init__(self, audio: AudioFile) -> None:
        self._audio = audio
        self._floats = audio.stream.codec_context.name.startswith(("pcm_f32", "pcm_f64"))
        self._pipe = _Pipe()
        self._zero_s: float | None = None
        self.heard_s = self.position_s = 0.0

    def blocks(self) -> Iterator[NDArray[np.int16]]:
        """Blocks of 10 s; shorter at the end, before a hole, and where the stream's parameters change.

        Raises:
            Damaged: a sample is not finite.
        """
        for packet in self._audio.container.demux(self._audio.stream):
            for frame in _decoded(packet):
                if self._floats:
                    _check_finite(self._audio.uri, frame, self.position_s)
                hole_s = self._hole_s(frame)
                if hole_s:
                    yield from self._pipe.flush()
                    yield from _silence(hole_s)
                yield from self._pipe.push(frame)
                self.heard_s += frame.samples / frame.sample_rate
                self.position_s += hole_s + frame.samples / frame.sample_rate
        yield from self._pipe.flush()

    def _hole_s(self, frame: AudioFrame) -> float:
        """Time missing before a frame; stamps that jump back are a new start, not a hole."""
        if frame.time is None:
            return 0.0
        if self._zero_s is None:
            self._zero_s = frame.time
        missing_s = frame.time - self._zero_s - self.position_s
        if missing_s < -HOLE_S:
            self._zero_s = frame.time - self.position_s
        return missing_s if missing_s > HOLE_S else 0.0


def _decoded(packet: "Packet[AudioStream]") -> list[AudioFrame]:
    """The packet's frames; none of a broken one: the next time stamp will show the hole."""
    try:
        return packet.decode()
    except av.FFmpegError:
        return []


class _Pipe:
    """FFmpeg's filter graph to 16 kHz mono; a new one when the stream's parameters change on the way."""

    def __init__(self) -> None:
        self._graph: av.AudioResampler | None = None
        self._taken: tuple[str, str, int] | None = None

    def push(self, frame: AudioFrame) -> Iterator[NDArray[np.int16]]:
        given = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is None or given != self._taken:
            yield from self.flush()
            self._taken = given
            self._graph = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ, frame_size=BLOCK_SAMPLES)
        yield from _run(self._graph, frame)

    def flush(self) -> Iterator[NDArray[np.int16]]:
        if self._graph is not None:
            yield from _run(self._graph, None)
            self._graph = None


def _run(graph: av.AudioResampler, frame: AudioFrame | None) -> Iterator[NDArray[np.int16]]:
    for out in graph.resample(frame):
        yield out.to_ndarray().reshape(-1).astype(np.int16, copy=False)


def _silence(seconds: float) -> Iterator[NDArray[np.int16]]:
    left = round(seconds * SAMPLE_RATE_HZ)
    while left > 0:
        yield np.zeros(min(left, BLOCK_SAMPLES), np.int16)
        left -= BLOCK_SAMPLES


def _check_finite(uri: str, frame: AudioFrame, position_s: float) -> None:
    values = frame.to_ndarray()
    if np.isfinite(values).all():
        return
    per_sample = values.T if frame.format.is_planar else values.reshape(frame.samples, -1)
    at = int(np.argmin(np.isfinite(per_sample).all(axis=1)))
    raise Damaged(
        f"{uri}: the sample at {position_s + at / frame.sample_rate:.3f} s is {per_sample[at].tolist()}, "
        "expected finite numbers",
        code="not_finite",
    )
