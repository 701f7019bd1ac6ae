"""Which objects are audio, whose video they belong to, and what audio is accepted."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from core.errors import IdMismatch, NotAudio, OutOfLimits

EXTENSIONS = (".mp3", ".wav", ".flac", ".m4a", ".aac", ".ogg", ".opus", ".wma", ".webm")
_IDS = re.compile(r"^(\d+)/(?:audio/)?audio_(\d+)\.\w+$")

MIN_DURATION_S = 1.0
MAX_DURATION_S = 12 * 3600.0
MIN_SAMPLE_RATE_HZ = 8_000
MAX_NAME_BYTES = 1024


@dataclass(frozen=True, slots=True)
class AudioObject:
    """One generation of one object in the audio bucket."""

    bucket: str
    name: str
    generation: int
    size_bytes: int = 0
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        """Where the object lies."""
        return f"gs://{self.bucket}/{self.name}"

    @property
    def job_id(self) -> str:
        """The idempotency key: two generations are two jobs, two events about one generation are one."""
        return hashlib.sha256(f"{self.bucket}/{self.name}#{self.generation}".encode()).hexdigest()

    @property
    def is_audio(self) -> bool:
        """Whether the name ends as audio files do; the bucket also holds video and waveforms."""
        return self.name.lower().endswith(EXTENSIONS)

    @property
    def video_id(self) -> str:
        """The video that the audio belongs to.

        Raises:
            IdMismatch: the name holds two ids that differ.
        """
        # On one line: a value out of a file ends with a line break, which no object's name may hold.
        given = " ".join(self.metadata.get("video_id", "").split())
        if given:
            return given
        match = _IDS.match(self.name)
        if match is None:
            return _without_extension(self.name)
        if match[1] != match[2]:
            raise IdMismatch(self.uri, match[1], match[2])
        return match[1]


def _without_extension(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    return folder + slash + (file.rpartition(".")[0] or file)


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What probing found: nothing here was decoded, so the duration is the header's word.

    Args:
        duration_s: seconds of audio.
        sample_rate_hz: as stored.
        channels: as stored.
        codec: FFmpeg's name.
        is_estimate: the header states no duration; this one follows from the size, and may be far off where
            the bit rate varies.
    """

    duration_s: float
    sample_rate_hz: int
    channels: int
    codec: str
    is_estimate: bool = False


class AudioStore(Protocol):
    """As much of core.ports.ObjectStore as hearing needs; core.clips.Clip makes its bytes itself."""

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:
        """A stream of the bytes. Raises ObjectNotFound."""
        ...

    def signed_url(self, bucket: str, name: str, generation: int, *, expires_s: float) -> str | None:
        """A URL that lets its bearer read the bytes for a while; None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class AudioSource:
    """An object's bytes, opened anew for every reader."""

    object: AudioObject
    store: AudioStore

    def open(self) -> BinaryIO:
        """A stream of the bytes, pinned to the generation: seekable ranged reads, but for a clip.

        Raises:
            ObjectNotFound: the generation is gone.
        """
        return self.store.open(self.object.bucket, self.object.name, self.object.generation)

    def url(self, expires_s: float) -> str | None:
        """A signed URL, or None where the store has no means to sign."""
        return self.store.signed_url(
            self.object.bucket, self.object.name, self.object.generation, expires_s=expires_s
        )


def check_size(audio: AudioObject, max_bytes: int) -> None:
    """Refuse what needs no look inside.

    Raises:
        OutOfLimits: 0 bytes, or more than allowed.
        NotAudio: the extension is none of ours.
    """
    if not audio.is_audio:
        raise NotAudio(
            f"{audio.uri}: unknown extension, expected one of {' '.join(EXTENSIONS)}",
            code="unsupported_extension",
        )
    if audio.size_bytes == 0:
        raise OutOfLimits(audio.uri, "size", "0 bytes", "at least 1 byte", code="empty")
    if audio.size_bytes > max_bytes:
        raise OutOfLimits(
            audio.uri, "size", f"{audio.size_bytes} bytes", f"at most {max_bytes} bytes", code="too_large"
        )


def check_names(name: str, outputs: Iterable[str]) -> None:
    """Refuse an object whose outputs could not be named, or would leave their folder once copied to a disk.

    Raises:
        OutOfLimits: with what was found and what is expected. Cloud Storage takes 1,024 bytes at most.
    """
    outputs = tuple(outputs)
    folders = {folder for output in outputs for folder in output.split("/")[:-1]}
    if folders & {".", ".."}:
        raise OutOfLimits(name, "a folder of its outputs", "'.' or '..'", "a name", code="unsafe_name")
    longest = max(len(output.encode()) for output in outputs)
    if longest > MAX_NAME_BYTES:
        found, expected = f"{longest} bytes", f"at most {MAX_NAME_BYTES} bytes"
        raise OutOfLimits(name, "the longest name of an output", found, expected, code="name_too_long")


def check_info(name: str, info: AudioInfo) -> None:
    """Refuse audio outside of the limits of the contract: 1 s to 12 h, 8 kHz and up.

    Raises:
        OutOfLimits: with the measured value and the limit.
    """
    check_duration(name, info.duration_s)
    if info.sample_rate_hz < MIN_SAMPLE_RATE_HZ:
        found, expected = f"{info.sample_rate_hz} Hz", f"at least {MIN_SAMPLE_RATE_HZ} Hz"
        raise OutOfLimits(name, "sample rate", found, expected, code="sample_rate_too_low")


def check_duration(name: str, duration_s: float) -> None:
    """Refuse what is shorter than a second or longer than twelve hours.

    Raises:
        OutOfLimits: with the measured value and the limit. A duration that is no number is too short.
    """
    # Written so that nan, for which every comparison is false, is refused.
    if not duration_s >= MIN_DURATION_S:
        raise OutOfLimits(
            name, "duration", f"{duration_s:.3f} s", f"at least {MIN_DURATION_S:g} s", code="too_short"
        )
    if duration_s > MAX_DURATION_S:
        found, expected = f"{duration_s:.10g} s", f"at most {MAX_DURATION_S:.10g} s"
        raise OutOfLimits(name, "duration", found, expected, code="too_long")
