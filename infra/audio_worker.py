"""A decoder process: `python -m infra.audio_worker SOCKET`, started and ended by infra.audio_processes.

It decodes one file after the other with the reader of infra.audio, and reads their bytes through its parent.
It ends when its parent closes the socket, or is gone.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, BinaryIO, cast

from core.audio import AudioObject, AudioSource
from core.errors import Rejected
from core.ports import Block, ObjectStore
from infra import audio_wire as wire
from infra.audio import PyAvReader
from infra.audio_file import opened
from infra.audio_stretch import Odd, stretches


class StoreFailed(Exception):
    """The parent could not read the file; it keeps the reason."""


class _ParentsStore:
    """The one method of core.ports.ObjectStore that a reader needs."""

    def __init__(self, parent: Connection, size_bytes: int) -> None:
        self._parent = parent
        self._size_bytes = size_bytes

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:  # noqa: ARG002 - the parent knows which
        return cast("BinaryIO", _ParentsFile(self._parent, self._size_bytes))


class _ParentsFile(io.RawIOBase):
    """A file whose ranges are asked for, one message each."""

    def __init__(self, parent: Connection, size_bytes: int) -> None:
        self._parent = parent
        self._size_bytes = size_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._parent.send_bytes(wire.read_message(self._at, len(buffer)))
        answer = memoryview(self._parent.recv_bytes())
        if answer[:1] == wire.FAILED:
            raise StoreFailed
        size = len(answer) - 1
        buffer[:size] = answer[1:]
        self._at += size
        return size


def main(socket: int) -> None:
    """Decode what the parent asks for, until it asks no more."""
    with Connection(socket) as parent, suppress(EOFError, OSError):
        while True:
            _decode(parent, wire.Task.of(parent.recv_bytes()))


def _decode(parent: Connection, task: wire.Task) -> None:
    store = cast("ObjectStore", _ParentsStore(parent, task.size_bytes))
    source = AudioSource(AudioObject(task.bucket, task.name, task.generation), store)
    try:
        for block in _stretches(source, task) if task.step else PyAvReader().blocks(source):
            parent.send_bytes(wire.block_message(block))
    except Odd:
        parent.send_bytes(wire.ODD)
    except Rejected as error:
        parent.send_bytes(wire.refusal_message(error))
    except StoreFailed:
        parent.send_bytes(wire.END)
    else:
        parent.send_bytes(wire.END)


def _stretches(source: AudioSource, task: wire.Task) -> Iterator[Block]:
    with opened(source) as audio:
        for samples in stretches(audio, task.first, task.step):
            yield Block(samples)


if __name__ == "__main__":
    main(int(sys.argv[1]))
