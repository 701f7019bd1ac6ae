"""Decodes files in processes of their own: PyAV takes the interpreter's lock at each packet (ADR 7).

A process is started when a file needs one, and kept for the next file. It reads the file through its parent,
in whose hands the store and its credentials stay.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from core.audio import AudioInfo, AudioSource
from core.ports import AudioReader, Block
from infra.audio import PyAvReader
from infra.audio_decoder import WORKER, Decoder
from infra.audio_wire import Task

log = logging.getLogger("klipscribe")

PATIENCE_S = 2.0
"""In this time a process decodes about half an hour of audio."""


class ProcessReader:
    """core.ports.AudioReader: what PyAvReader gives, decoded in other processes.

    A file that finds all processes busy waits a little, since most files are short. Then it is decoded in
    this process: another file may hold its own for as long as the model is busy, and who reads two files in
    turns would wait for itself.

    Args:
        processes: how many files are decoded outside of this process at once. Each process takes about 60 MB,
            and stays until close.
        patience_s: how long a file waits for a process.
        inner: probes, and decodes in this process.
        command: starts a process; the number of its socket is added.

    Raises:
        ValueError: processes is below 1.
    """

    def __init__(
        self,
        processes: int,
        *,
        patience_s: float = PATIENCE_S,
        inner: AudioReader | None = None,
        command: Sequence[str] = WORKER,
    ) -> None:
        if processes < 1:
            raise ValueError(f"processes is {processes}, expected at least 1")
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
        decoder = self._borrow()
        if decoder is None:
            yield from self._inner.blocks(source)
            return
        try:
            with source.open() as stream:
                yield from decoder.blocks(source.object.uri, _task(source, stream), stream)
        finally:
            self._give_back(decoder)

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

    def _borrow(self) -> Decoder | None:
        """A process for one file; None when all stay busy, or none can be started."""
        with self._changed:
            self._changed.wait_for(lambda: self._left or self._is_closed, self._patience_s)
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


def _task(source: AudioSource, stream: BinaryIO) -> Task:
    about = source.object
    return Task(about.bucket, about.name, about.generation, stream.seek(0, 2))
