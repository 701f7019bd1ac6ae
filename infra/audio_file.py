"""Opens audio containers with FFmpeg: accepted ones, no other file or URL, errors by one table."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer

from core.audio import AudioSource
from core.errors import Damaged, NotAudio, Rejected

FORMATS = ("mp3", "wav", "flac", "mov", "aac", "ogg", "matroska", "asf")
"""FFmpeg's demuxers for .mp3 .wav .flac .m4a .aac .ogg/.opus .webm .wma; playlists are none of them."""

READ_BYTES = 256 * 1024
"""One ranged read; a header with its first packets fits in one to three."""

HEAD_BYTES = 512
"""Holds the RIFF header, and the tag in the first MP3 frame."""

_OPTIONS = {
    "format_whitelist": ",".join(FORMATS),
    "protocol_whitelist": "none",  # a container that names other files or URLs gets none of them
}

_OPENING: tuple[tuple[type[Exception], str], ...] = (
    (av.error.InvalidDataError, "data that is in none of these formats, or is broken from the start"),
    (av.error.ArgumentError, "data in another format, or with a broken header"),
    (EOFError, "data that ends within its header"),
    (LookupError, "a codec or format that can't be decoded"),
)
"""What FFmpeg raises when it opens a file, and what it means. Anything else keeps FFmpeg's own words."""


class ReadThrough:
    """The object's bytes for FFmpeg, whose C code can't carry an exception: the first one is kept.

    After a failure the stream looks as if it ended; whoever sees FFmpeg stop asks `failure` for the reason.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.failure: Exception | None = None

    def read(self, size: int) -> bytes:
        """At most size bytes; none at the end and after a failure."""
        if self.failure is not None:
            return b""
        try:
            return self._stream.read(size)
        except Exception as error:  # noqa: BLE001 - kept, and raised as itself once FFmpeg has returned
            self.failure = error
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; stays where it is after a failure."""
        try:
            return self._stream.seek(offset, whence)
        except Exception as error:  # noqa: BLE001 - kept, and raised as itself once FFmpeg has returned
            self.failure = self.failure or error
            return -1

    def tell(self) -> int:
        """The position."""
        return self._stream.tell()


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A container that was opened, its first audio stream, and the first bytes, after an ID3 tag if any.

    `sound_bytes` is the file's size without that tag.
    """

    uri: str
    container: InputContainer
    stream: AudioStream
    head: bytes
    size_bytes: int
    sound_bytes: int

    @property
    def format(self) -> str:
        """FFmpeg's first name of the container: one of FORMATS."""
        return self.container.format.name.split(",")[0]


@contextmanager
def opened(source: AudioSource) -> Iterator[AudioFile]:
    """Open an object's audio, and close it afterwards.

    Raises:
        NotAudio: the bytes are in none of the formats, or there is no audio stream.
        Damaged: FFmpeg failed while the body was reading.
        Exception: whatever the object's stream raised: ObjectNotFound, Retryable.
    """
    uri = source.object.uri
    with source.open() as opened_:
        bytes_ = ReadThrough(opened_)
        try:
            size_bytes = bytes_.seek(0, 2)
            head = _read_at(bytes_, 0)
            tag_bytes = id3_bytes(head) if head[:3] == b"ID3" else 0
            body = _read_at(bytes_, tag_bytes) if tag_bytes else head
            bytes_.seek(0)
            with _container(uri, bytes_, head) as container:
                stream = _first_audio(uri, container)
                yield AudioFile(uri, container, stream, body, size_bytes, size_bytes - tag_bytes)
        except (av.FFmpegError, Rejected) as error:
            if bytes_.failure is not None:
                raise bytes_.failure from None
            if isinstance(error, Rejected):
                raise
            raise Damaged(f"{uri}: decoding failed: {error.strerror}", code="corrupt") from error
        if bytes_.failure is not None:
            raise bytes_.failure


def _read_at(stream: ReadThrough, position: int) -> bytes:
    stream.seek(position)
    return stream.read(HEAD_BYTES)


def id3_bytes(head: bytes) -> int:
    """Length of an ID3v2 tag, from four bytes of seven bits (id3.org, ID3v2.3, section 3.1)."""
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))


def _container(uri: str, stream: ReadThrough, head: bytes) -> InputContainer:
    try:
        # Old ID3 and RIFF tags are in any encoding; PyAV decodes them all, strictly unless told otherwise.
        return av.open(stream, "r", options=_OPTIONS, buffer_size=READ_BYTES, metadata_errors="replace")
    except av.FFmpegError as error:
        found = next((text for kind, text in _OPENING if isinstance(error, kind)), error.strerror)
        raise NotAudio(
            f"{uri}: found {found} (it starts with {head[:12]!r}), expected audio: {' '.join(FORMATS)}"
        ) from error


def _first_audio(uri: str, container: InputContainer) -> AudioStream:
    if not container.streams.audio:
        found = ", ".join(stream.type for stream in container.streams) or "none"
        raise NotAudio(f"{uri}: found streams: {found}; expected an audio stream", code="no_audio_stream")
    stream = container.streams.audio[0]
    if stream.codec_context is None or not stream.codec_context.sample_rate:
        raise NotAudio(f"{uri}: found an audio stream in an unknown codec, expected one that can be decoded")
    return stream
