"""Sides in processes of their own, and the taking of turns."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
WORKER = "handlers.bench.worker"
NO_LIMIT_S = 24 * 3600.0
LAST_WORDS = 400


class SideFailed(Exception):
    """A side gave no answer, or an error."""


class Remote:
    """A side in another process.

    Args:
        process: runs handlers.bench.worker.
        errors: a file with what it writes on stderr.
        until_s: the time of time.monotonic at which it is given up.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", errors: IO[bytes], until_s: float) -> None:
        self._process = process
        self._errors = errors
        self._until_s = until_s

    def call(self, name: str, **values: Any) -> Any:
        """What a method of the side returns.

        Raises:
            SideFailed: it raised, the process ended, or the time is over.
        """
        return self._ask({"call": name, "values": values})

    def open(self, side: str, **values: Any) -> None:
        """Make the side; it loads what it needs. Raises SideFailed."""
        self._ask({"call": "open", "side": side, "values": values})

    def _ask(self, request: dict[str, Any]) -> Any:
        try:
            _pipe(self._process.stdin).write(json.dumps(request).encode() + b"\n")
            _pipe(self._process.stdin).flush()
        except BrokenPipeError as error:
            raise self._ended() from error
        answer = json.loads(self._line())
        if "error" in answer:
            raise SideFailed(answer["error"])
        return answer["value"]

    def _line(self) -> bytes:
        out = _pipe(self._process.stdout)
        if not select.select([out], [], [], max(0.0, self._until_s - time.monotonic()))[0]:
            raise SideFailed("the time for this step is over")
        line = out.readline()
        if not line:
            raise self._ended()
        return line

    def _ended(self) -> SideFailed:
        """With the last that the process said on stderr: the reason, as a rule."""
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace")[-LAST_WORDS:].strip()
        return SideFailed(f"the process ended with {status}: {said}")


@contextmanager
def remote(
    side: str, *, threads: int, limit_s: float = NO_LIMIT_S, worker: str = WORKER, **values: Any
) -> Iterator[Remote]:
    """A side with the given number of threads; its process ends with the block.

    Raises:
        SideFailed: it could not be opened.
    """
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process below
    process = subprocess.Popen(
        [
            "/usr/bin/env",
            *(f"{name}={value}" for name, value in counts.items()),
            sys.executable,
            "-m",
            worker,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        found = Remote(process, errors, time.monotonic() + limit_s)
        found.open(side, **values)
        yield found
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with what it started
        process.communicate()
        errors.close()


def in_turns(rounds: int, *turns: Callable[[], Any]) -> list[list[Any]]:
    """Answers of each turn, by turn; the first round warms up and does not count."""
    answers = [[turn() for turn in turns] for _ in range(rounds + 1)][1:]
    return [list(column) for column in zip(*answers, strict=True)]


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise SideFailed("the process has no pipe")
    return pipe
