"""Decodes files in processes of their own: PyAV takes the interpreter's lock at each packet (ADR 7).

A process is started when a file needs one, and kept for the next file. It reads the file through its parent,
in whose hands the store and its credentials stay.
"""

import logging
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import BinaryIO

from core.audio import AudioInfo, AudioSource
from core.ports import AudioReader, Block
from infra.audio import PyAvReader
from infra.audio_decoder import WORKER, Decoder
from infra.audio_side_by_side import joined
from infra.audio_wire import Task

log = logging.getLogger("klipscribe")

PATIENCE_S = 2.0
"""In this time a process decodes about half an hour of audio."""

IN_STRETCHES = (".mp3", ".flac", ".wav")
"""Names of files that several processes may decode; the process that opens one has the last word."""

LONG_BYTES = 1 << 20
"""Four minutes of the smallest MP3 in use; shorter files are not worth several processes."""


class ProcessReader:
    """core.ports.AudioReader: what PyAvReader gives, decoded in other processes.

    A file that finds all processes busy waits a little, since most files are short. Then it is decoded in
    this process: another file may hold its own for as long as the model is busy, and who reads two files in
    turns would wait for itself.

    A long file may take several processes, those that are idle when it comes: see infra.audio_stretch for
    which files, and how it comes to the same samples. One that turns out odd on the way starts anew in one.

    Args:
        processes: how many processes decode at once. Each takes about 60 MB, and stays until close.
        per_file: how many of them one file may take; more than one is for who reads one file after the other,
            since they are held for as long as the file waits for the model.
        patience_s: how long a file waits for a process.
        inner: probes, and decodes in this process.
        command: starts a process; the number of its socket is added.

    Raises:
        ValueError: processes or per_file is below 1.
    """

    def __init__(
        self,
        processes: int,
        *,
        per_file: int = 1,
        patience_s: float = PATIENCE_S,
        inner: AudioReader | None = None,
        command: Sequence[str] = WORKER,
    ) -> None:
        for name, value in (("processes", processes), ("per_file", per_file)):
            if value < 1:
                raise ValueError(f"{name} is {value}, expected at least 1")
        self._per_file = per_file
        self._patience_s = patience_s
        self._command = command
        self._inner = inner or PyAvReader()
        self._changed = threading.Condition()
        self._idle: list[Decoder] = []
        self._left = processes
        self._is_closed = False

    def probe(self, source: AudioSource) -> AudioInfo:
        """Look at the header, in this process. Raises as PyAvReader."""
        return self._inner.probe(source)

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        """The blocks of PyAvReader, bit for bit; about one is decoded before it is asked for.

        Raises:
            EngineFailed: the process that decoded the file died. It may be the file's fault: counted as the
                engine's failure, the second time sends the file to the other engine.
            NotAudio, Damaged, OutOfLimits, ObjectNotFound, Retryable: as PyAvReader.
        """
        given: int | None = 0
        if self._per_file > 1 and source.object.name.lower().endswith(IN_STRETCHES):
            given = yield from self._side_by_side(source)
        if given is not None:
            yield from _behind(given, self._alone(source))

    def close(self) -> None:
        """End the processes that are idle now, and each other one when its file is over.

        Files to come are decoded in this process. Without it the processes end when this one does, however
        that comes about.
        """
        with self._changed:
            self._is_closed = True
            idle, self._idle = self._idle, []
            self._changed.notify_all()
        for decoder in idle:
            decoder.end()

    def _alone(self, source: AudioSource) -> Iterator[Block]:
        decoder = self._borrow(self._patience_s)
        if decoder is None:
            yield from self._inner.blocks(source)
            return
        try:
            with source.open() as stream:
                yield from decoder.blocks(source.object.uri, _task(source, stream), stream)
        finally:
            self._give_back(decoder)

    def _side_by_side(self, source: AudioSource) -> Generator[Block, None, int | None]:
        """See infra.audio_side_by_side.joined; 0 as well where the file is short, or one process is free."""
        decoders: list[Decoder] = []
        try:
            with source.open() as stream:
                task = _task(source, stream)
                while len(decoders) < self._per_file and task.size_bytes >= LONG_BYTES:
                    decoder = self._borrow(0)
                    if decoder is None:
                        break
                    decoders.append(decoder)
                if len(decoders) < 2:
                    return 0
                return (yield from joined(source.object.uri, decoders, task, stream))
        finally:
            for decoder in decoders:
                self._give_back(decoder)

    def _borrow(self, patience_s: float) -> Decoder | None:
        """A process for one file; None when all stay busy, or none can be started."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or self._is_closed, patience_s)
            if self._is_closed or not self._left:
                return None
            self._left -= 1
            idle = self._idle.pop() if self._idle else None
        if idle is not None:
            if idle.is_alive:
                return idle
            idle.end()
        try:
            return Decoder(self._command)
        except OSError as error:
            log.warning("no decoder process could be started: %s", error.strerror)
            with self._changed:
                self._left += 1
                self._changed.notify()
            return None

    def _give_back(self, decoder: Decoder) -> None:
        """Keep the process for the next file; one that is in the middle of a file is of no use any more."""
        with self._changed:
            is_kept = decoder.is_idle and not self._is_closed
            if is_kept:
                self._idle.append(decoder)
            self._left += 1
            self._changed.notify()
        if not is_kept:
            decoder.end()


def _behind(given: int, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks without the samples that were given already."""
    for block in blocks:
        if given < len(block.samples):
            yield Block(block.samples[given:], block.is_hole) if given else block
        given = max(0, given - len(block.samples))


def _task(source: AudioSource, stream: BinaryIO) -> Task:
    about = source.object
    return Task(about.bucket, about.name, about.generation, stream.seek(0, 2))
