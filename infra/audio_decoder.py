"""The parent's end of one decoder process."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from typing import BinaryIO

from core.errors import EngineFailed
from core.ports import Block
from infra import audio_wire as wire

WORKER = (sys.executable, "-P", "-m", "infra.audio_worker")

END_TIMEOUT_S = 5.0
"""A process that closed its socket is about to end; its exit status is worth this wait."""

_LAST = (wire.END, wire.REFUSED, wire.ODD)


class Decoder:
    """A process that decodes one file at a time.

    It gets no environment but where modules are found: keys are none of its business. It leads a group of its
    own, so that Ctrl-C is for the parent, which ends it in order.

    Raises:
        OSError: no process could be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self.socket, theirs = Pipe()
        self.is_idle = True
        self._uri = ""
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [*command, str(theirs.fileno())],
                    env={"PYTHONPATH": os.pathsep.join(sys.path)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    process_group=0,
                )
            except OSError:
                self.socket.close()
                raise

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def blocks(self, uri: str, task: wire.Task, stream: BinaryIO) -> Iterator[Block]:
        """Decode a file whose bytes are read from the stream, by the thread that takes the blocks.

        The socket holds about one block of 10 s; with that, and another one in the making, the process waits.

        Raises:
            NotAudio, Damaged, OutOfLimits: as the reader in the process.
            EngineFailed: the process died.
            Exception: whatever the stream raised, once all that was read before is decoded.
        """
        failure: Exception | None = None
        self.begin(uri, task)
        while not self.is_idle:
            kind, body = self.receive()
            if kind == wire.READ:
                try:
                    answer = read_range(stream, *wire.range_in(body))
                except Exception as error:  # noqa: BLE001 - raised as itself once the process has finished
                    answer, failure = None, failure or error
                self.answer(answer)
            elif kind in {wire.SOUND, wire.HOLE}:
                yield wire.block_in(kind, body)
        if failure is not None:
            raise failure
        if kind == wire.REFUSED:
            raise wire.refusal_in(body)

    def begin(self, uri: str, task: wire.Task) -> None:
        """Give it a file. Raises EngineFailed."""
        self.is_idle, self._uri = False, uri
        with self._blaming():
            self.socket.send_bytes(task.message())

    def receive(self) -> tuple[bytes, memoryview]:
        """What it says next; the last word about a file makes it idle. Raises EngineFailed."""
        with self._blaming():
            message = memoryview(self.socket.recv_bytes())
        kind = bytes(message[:1])
        if kind not in {wire.READ, wire.SOUND, wire.HOLE, *_LAST}:
            raise EngineFailed(f"{self._uri}: the process that decodes it said {kind!r}")
        self.is_idle = kind in _LAST
        return kind, message[1:]

    def answer(self, data: bytes | None) -> None:
        """Give it the range that it asked for; None where there is none to be had. Raises EngineFailed."""
        with self._blaming():
            self.socket.send_bytes(wire.FAILED if data is None else wire.DATA + data)

    def end(self) -> None:
        """Kill it, at once; it has nothing to save."""
        self.socket.close()
        self._process.kill()
        self._process.wait()

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError) as error:  # an end in the middle of a message is a plain OSError
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_TIMEOUT_S)
            raise EngineFailed(
                f"{self._uri}: the process that decoded it ended, with status {self._process.returncode}"
            ) from error


def read_range(stream: BinaryIO, position: int, size: int) -> bytes:
    """Bytes from a position on. Raises what the stream raises."""
    stream.seek(position)
    return stream.read(size)
