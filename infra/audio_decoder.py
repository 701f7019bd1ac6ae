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


class Decoder:
    """A process that decodes one file at a time.

    It gets no environment but where modules are found: keys are none of its business. It leads a group of its
    own, so that Ctrl-C is for the parent, which ends it in order.

    Raises:
        OSError: no process could be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._socket, theirs = Pipe()
        self.is_idle = True
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
                self._socket.close()
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
        self.is_idle = False
        failure: Exception | None = None
        self._send(uri, task.message())
        while True:
            kind, body = self._receive(uri)
            if kind == wire.READ:
                try:
                    answer = wire.DATA + _read(stream, *wire.range_in(body))
                except Exception as error:  # noqa: BLE001 - raised as itself once the process has finished
                    answer, failure = wire.FAILED, failure or error
                self._send(uri, answer)
            elif kind in {wire.SOUND, wire.HOLE}:
                yield wire.block_in(kind, body)
            elif kind in {wire.END, wire.REFUSED}:
                break
            else:
                raise EngineFailed(f"{uri}: the process that decodes it said {kind!r}")
        self.is_idle = True
        if failure is not None:
            raise failure
        if kind == wire.REFUSED:
            raise wire.refusal_in(body)

    def end(self) -> None:
        """Kill it, at once; it has nothing to save."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _send(self, uri: str, message: bytes) -> None:
        with self._blaming(uri):
            self._socket.send_bytes(message)

    def _receive(self, uri: str) -> tuple[bytes, memoryview]:
        with self._blaming(uri):
            message = memoryview(self._socket.recv_bytes())
        return bytes(message[:1]), message[1:]

    @contextmanager
    def _blaming(self, uri: str) -> Iterator[None]:
        try:
            yield
        except (EOFError, ConnectionError) as error:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_TIMEOUT_S)
            raise EngineFailed(
                f"{uri}: the process that decoded it ended, with status {self._process.returncode}"
            ) from error


def _read(stream: BinaryIO, position: int, size: int) -> bytes:
    stream.seek(position)
    return stream.read(size)
