"""One pass of FFmpeg over an audio stream: packets in, pieces of a few seconds at the file's own rate out."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import av
import numpy as np
from av.audio.frame import AudioFrame

from core.errors import Damaged
from infra.audio_file import AudioFile
from infra.audio_timeline import Timeline

PIECE_S = 2.0
"""Frames last 10 to 100 ms: one by one, the calls into the filter graph cost as much as the decoding."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Sound that is missing between two pieces."""

    duration_s: float


Piece = AudioFrame | Hole


class Decoding:
    """One pass over a file; `timeline` tells how far it came."""

    def __init__(self, audio: AudioFile) -> None:
        self._audio = audio
        self._floats = audio.stream.codec_context.name.startswith(("pcm_f32", "pcm_f64"))
        self._frames = av.AudioFifo()
        self._kind: tuple[str, str, int] | None = None
        self._given_s = 0.0
        self.timeline = Timeline(audio)

    def pieces(self) -> Generator[Piece]:
        """Pieces of 2 s; shorter at the end, before a hole, and where the stream's parameters change.

        Raises:
            Damaged: a sample is not finite.
            av.FFmpegError: the container broke.
        """
        for frame in self._decoded():
            hole_s = self.timeline.place(frame)
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            if hole_s or kind != self._kind:
                yield from self._gathered()
                self._frames, self._kind = av.AudioFifo(), kind
            if hole_s:
                yield Hole(hole_s)
                self._given_s += hole_s
            frame.pts = None  # stamps with holes are not for the queue, which would refuse them
            self._frames.write(frame)
            if self._frames.samples >= PIECE_S * frame.sample_rate:
                yield from self._gathered()
        yield from self._gathered()

    def _decoded(self) -> Iterator[AudioFrame]:
        """All frames; none of a broken packet: the next frame will show the hole."""
        for packet in self._audio.container.demux(self._audio.stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self.timeline.refuse(packet)
                continue
            self.timeline.hear(packet)
            yield from frames

    def _gathered(self) -> Iterator[AudioFrame]:
        piece = self._frames.read()
        if piece is None:
            return
        if self._floats:
            _check_finite(self._audio.uri, piece, self._given_s)
        self._given_s += piece.samples / piece.sample_rate
        yield piece


def _check_finite(uri: str, piece: AudioFrame, start_s: float) -> None:
    values = piece.to_ndarray()
    if np.isfinite(values).all():
        return
    per_sample = values.T if piece.format.is_planar else values.reshape(piece.samples, -1)
    at = int(np.argmin(np.isfinite(per_sample).all(axis=1)))
    raise Damaged(
        f"{uri}: the sample at {start_s + at / piece.sample_rate:.3f} s is {per_sample[at].tolist()}, "
        "expected finite numbers",
        code="not_finite",
    )
