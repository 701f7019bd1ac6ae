"""Where decoded sound lies in time, and how much is missing before it."""

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from infra.audio_file import AudioFile, id3_bytes

HOLE_S = 0.1
"""Time stamps are rounded to a millisecond in some containers; the shortest packet lost is about as long."""

_COUNTING = ("mp3",)
"""Containers without time stamps: FFmpeg counts packets, and a broken stretch comes as a few packets of any
size. Their bytes tell how long it was: exactly where the bit rate is constant, roughly where it varies."""


class Timeline:
    """Time stamps, or the bytes of refused packets, against what was decoded.

    `heard_s` and `heard_bytes` are what was decoded, `position_s` is the time with the holes between.
    """

    def __init__(self, audio: AudioFile) -> None:
        self._counts = audio.format in _COUNTING
        self._zero_s: float | None = None
        self._lost_bytes = self._tag_bytes = 0
        self.heard_bytes = 0
        self.heard_s = self.position_s = 0.0

    def hear(self, packet: "Packet[AudioStream]") -> None:
        """Take a packet that was decoded."""
        self.heard_bytes += packet.size

    def refuse(self, packet: "Packet[AudioStream]") -> None:
        """Take a packet that could not be decoded; a tag between two joined MP3 files is no lost sound."""
        head = bytes(packet)[:10]
        if head[:3] == b"ID3":
            self._tag_bytes = id3_bytes(head)
        in_tag = min(self._tag_bytes, packet.size)
        self._tag_bytes -= in_tag
        self._lost_bytes += packet.size - in_tag

    def place(self, frame: AudioFrame) -> float:
        """Put a frame behind the last one; the seconds of the hole between the two, or 0."""
        missing_s = self._by_bytes_s() if self._counts else self._by_stamps_s(frame.time)
        hole_s = missing_s if missing_s > HOLE_S else 0.0
        self._lost_bytes = 0
        length_s = frame.samples / frame.sample_rate
        self.heard_s += length_s
        self.position_s += hole_s + length_s
        return hole_s

    def _by_stamps_s(self, time_s: float | None) -> float:
        """Stamps that jump back are a new start, not a hole."""
        if time_s is None:
            return 0.0
        if self._zero_s is None:
            self._zero_s = time_s
        missing_s = time_s - self._zero_s - self.position_s
        if missing_s < -HOLE_S:
            self._zero_s = time_s - self.position_s
        return missing_s

    def _by_bytes_s(self) -> float:
        if not (self._lost_bytes and self.heard_bytes):
            return 0.0
        return self._lost_bytes * self.heard_s / self.heard_bytes
