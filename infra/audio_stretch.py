"""Every n-th stretch of a file, decoded as if all before it had been, where that can be known.

Packets before a stretch are passed over; decoding starts early enough for the decoder to forget where it
began, and resampling whole seconds before the stretch, where its phase is that of a straight pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.typing import NDArray

from core.audio import MAX_DURATION_S, MIN_DURATION_S
from core.ports import SAMPLE_RATE_HZ
from infra.audio import COMPLETE
from infra.audio_decoding import PIECE_S
from infra.audio_file import AudioFile
from infra.audio_length import stated_s
from infra.audio_resampling import BLOCK_SAMPLES

STRETCH_S = 40
STRETCH_SAMPLES = STRETCH_S * SAMPLE_RATE_HZ

BORDER_SAMPLES = SAMPLE_RATE_HZ // 2
"""Given behind each stretch, to be compared with the start of the next one."""

WARM_S = 1
"""Decoded before and behind a stretch and thrown away. An MP3 frame takes bits from at most 511 bytes before
it, 255 at low rates (main_data_begin in ISO 11172-3 and 13818-3): 0.6 s at 8 kbit/s, less at more; and it
overlaps with one other. FFmpeg's resampling filter is some 50 samples long."""

CONVERGING = {"mp3": ("mp3", "mp3float"), "flac": ("flac",), "wav": ("pcm_s16le", "pcm_s24le", "pcm_s32le")}
"""Decoders whose state comes from few packets, in containers whose stamps are exact. Not so: AAC's noise
follows a random generator that never forgets, and Opus predicts from all that went before."""

Samples = NDArray[np.int16]
AudioPacket: TypeAlias = "Packet[AudioStream]"


class Odd(Exception):
    """The file must be decoded straight on."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """The first frame: where samples are counted from, and what all other frames must be like."""

    pts: int
    units: int
    kind: tuple[str, str, int]

    @classmethod
    def of(cls, frame: AudioFrame, time_base: Fraction | None) -> "_Origin":
        units = 1 / (time_base * frame.sample_rate) if time_base else Fraction(1, 2)
        if frame.pts is None or units.denominator != 1:
            raise Odd
        return cls(frame.pts, units.numerator, _kind(frame))

    @property
    def rate(self) -> int:
        return self.kind[2]

    def position(self, pts: int | None) -> int:
        """Samples before a stamp."""
        if pts is None:
            raise Odd
        samples, rest = divmod(pts - self.pts, self.units)
        if rest:
            raise Odd
        return samples


class _Stretch:
    """One stretch in the making."""

    def __init__(self, origin: _Origin, index: int) -> None:
        self._origin = origin
        self._is_first = index == 0
        self.start = max(0, index * STRETCH_S - WARM_S) * origin.rate
        self.end = ((index + 1) * STRETCH_S + WARM_S) * origin.rate
        self.position: int | None = None
        self._frames = av.AudioFifo()
        self._resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ, frame_size=BLOCK_SAMPLES)
        self._done: list[Samples] = []

    def take(self, frame: AudioFrame) -> None:
        """Append a frame, less what lies before the start."""
        at = self._origin.position(frame.pts)
        if at + frame.samples <= self.start:
            return
        expected = min(at, self.start) if self.position is None else self.position
        if at != expected or _kind(frame) != self._origin.kind:
            raise Odd
        self.position = at + frame.samples
        frame.pts = None  # as in infra.audio_decoding
        self._frames.write(frame)
        if at < self.start:
            self._frames.read(self.start - at)
        if self._frames.samples >= PIECE_S * self._origin.rate:
            self._resample()

    def samples(self) -> Samples:
        """The stretch and its border, at 16 kHz; shorter where the file ends."""
        self._resample()
        self._run(None)
        whole = np.concatenate(self._done) if self._done else np.zeros(0, np.int16)
        warm = 0 if self._is_first else WARM_S * SAMPLE_RATE_HZ
        return whole[warm : warm + STRETCH_SAMPLES + BORDER_SAMPLES]

    def _resample(self) -> None:
        piece = self._frames.read()
        if piece is not None:
            self._run(piece)

    def _run(self, piece: AudioFrame | None) -> None:
        for out in self._resampler.resample(piece):
            self._done.append(out.to_ndarray().reshape(-1).astype(np.int16, copy=False))


def stretches(audio: AudioFile, first: int, step: int) -> Iterator[Samples]:
    """Stretches first, first + step and so on, while there are any.

    Raises:
        Odd: the codec does not converge, or something is missing, broken, or changes on the way.
        av.FFmpegError: the container broke.
    """
    if audio.stream.codec_context.name not in CONVERGING.get(audio.format, ()):
        raise Odd
    packets = audio.container.demux(audio.stream)
    origin, frames = _first(audio, packets)
    index, coming = first, _Stretch(origin, first)
    is_begun = first == 0
    for frame in frames if is_begun else ():
        coming.take(frame)
    for packet in packets:
        if not is_begun:
            if packet.pts is None:
                return  # what ends the stream
            if origin.position(packet.pts + (packet.duration or 0)) <= coming.start:
                continue
            audio.stream.codec_context.flush_buffers()
            is_begun = True
        for frame in _decoded(packet):
            coming.take(frame)
        if coming.position is not None and coming.position >= coming.end:
            yield coming.samples()
            index += step
            coming, is_begun = _Stretch(origin, index), False
    if coming.position is not None:
        _check_end(audio, coming.position / origin.rate)
        yield coming.samples()


def _first(audio: AudioFile, packets: Iterator[AudioPacket]) -> tuple[_Origin, list[AudioFrame]]:
    for packet in packets:
        frames = _decoded(packet)
        if frames:
            return _Origin.of(frames[0], audio.stream.time_base), frames
    raise Odd


def _decoded(packet: AudioPacket) -> list[AudioFrame]:
    try:
        return packet.decode()
    except av.FFmpegError as error:
        raise Odd from error


def _check_end(audio: AudioFile, end_s: float) -> None:
    """Leave it to the straight way to refuse a file that ends early, or never."""
    expected_s = stated_s(audio) or 0.0
    if not max(MIN_DURATION_S, COMPLETE * expected_s) <= end_s <= MAX_DURATION_S:
        raise Odd


def _kind(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
