"""A stretch of a file as a source of its own, for an engine that shall hear no more than that."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from core.audio import AudioInfo, AudioSource
from core.ports import SAMPLE_RATE_HZ, AudioReader, Block

Encoder = Callable[[Iterator[Block]], BinaryIO]
"""Turns blocks into the bytes of an audio file, as these are read."""


class Abandoned(Exception):
    """Nobody wants the stretch any more: another part of the same file has failed."""


class Clip:
    """A stretch of a file in the place of a store, whose bytes are made while they are read.

    Its samples are those that the whole file has there: it is decoded from its start each time.

    Args:
        whole: the file.
        start: the first sample of the stretch, at 16 kHz.
        end: the sample behind the last one; None for the end of the file.
        reader: decodes the file.
        encode: makes the bytes.
        outer: the clip that this one is a part of, and is abandoned with.
    """

    def __init__(  # noqa: PLR0913 - made by Clipper alone
        self,
        whole: AudioSource,
        start: int,
        end: int | None,
        *,
        reader: AudioReader,
        encode: Encoder,
        outer: "Clip | None" = None,
    ) -> None:
        self.whole, self.start, self.end = whole, start, end
        self.length: int | None = None
        """How many samples there are; known once all of them were read."""
        self._reader, self._encode, self._outer = reader, encode, outer
        self._is_abandoned = False

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:  # noqa: ARG002 - the only object here
        """The stretch as an audio file; not seekable. Reading raises as core.ports.AudioReader.blocks."""
        return self._encode(self.blocks())

    def signed_url(self, bucket: str, name: str, generation: int, *, expires_s: float) -> None:
        """None: these bytes lie nowhere."""

    def blocks(self) -> Iterator[Block]:
        """The samples of the stretch.

        Raises:
            Abandoned: also in the middle.
            Exception: as the reader says of the whole file; what ends before its end is not read further.
        """
        at = given = 0
        for block in self._reader.blocks(self.whole):
            self.check()
            stop = len(block.samples) if self.end is None else min(self.end - at, len(block.samples))
            samples = block.samples[max(self.start - at, 0) : stop]
            at += len(block.samples)
            if len(samples):
                given += len(samples)
                yield Block(samples, block.is_hole)
            if self.end is not None and at >= self.end:
                break
        self.length = given

    def info(self, whole: AudioInfo) -> AudioInfo:
        """What is known of the stretch, from what is known of the file.

        The length of a file's end is an estimate: what is wrong with the whole is wrong with this part of it.
        """
        end_s = whole.duration_s if self.end is None else self.end / SAMPLE_RATE_HZ
        duration_s = max(end_s - self.start / SAMPLE_RATE_HZ, 0.0)
        return AudioInfo(duration_s, SAMPLE_RATE_HZ, 1, "flac", is_estimate=self.end is None)

    def abandon(self) -> None:
        """Let the next one who reads stop."""
        self._is_abandoned = True

    def check(self) -> None:
        """Raises Abandoned."""
        if self._is_abandoned:
            raise Abandoned
        if self._outer is not None:
            self._outer.check()


@dataclass(frozen=True, slots=True)
class Clipper:
    """Makes clips.

    Args:
        reader: decodes files; also the clips among them, where it is a ClippedReader.
        encode: makes a clip's bytes.
    """

    reader: AudioReader
    encode: Encoder

    def clip(self, source: AudioSource, start: int, end: int | None) -> tuple[AudioSource, Clip]:
        """The samples from start up to end, as a source: of a file, or of a clip.

        Its object has a name of its own, the file's with a media fragment (W3C, "Media Fragments URI 1.0"),
        so that neither messages nor keys mistake it for the file. Its size is not known: 0.
        """
        outer = source.store if isinstance(source.store, Clip) else None
        if outer is not None:
            source, start = outer.whole, outer.start + start
            end = outer.end if end is None else outer.start + end
        clip = Clip(source, start, end, reader=self.reader, encode=self.encode, outer=outer)
        until = "" if end is None else f",{end / SAMPLE_RATE_HZ:.3f}"
        name = f"{source.object.name}#t={start / SAMPLE_RATE_HZ:.3f}{until}"
        return AudioSource(replace(source.object, name=name, size_bytes=0), clip), clip


def file_of(source: AudioSource) -> AudioSource:
    """The file that a clip is a stretch of; a file itself."""
    return source.store.whole if isinstance(source.store, Clip) else source


class ClippedReader:
    """core.ports.AudioReader for files and for clips, whose samples need no bytes in between.

    Args:
        inner: reads files.
    """

    def __init__(self, inner: AudioReader) -> None:
        self._inner = inner

    def probe(self, source: AudioSource) -> AudioInfo:
        """As the inner reader; for a clip from what that says of its file."""
        if isinstance(source.store, Clip):
            return source.store.info(self._inner.probe(source.store.whole))
        return self._inner.probe(source)

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        """As the inner reader; of a clip its own blocks."""
        return source.store.blocks() if isinstance(source.store, Clip) else self._inner.blocks(source)
