"""Servers as child processes: started with a log file each, awaited, and ended together."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
POLL_S = 0.05


class StartFailed(RuntimeError):
    """A server ended, or did not answer in time."""

    def __init__(self, name: str, log: Path) -> None:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        super().__init__(f"{name} did not start; the end of {log}:\n{tail}")


@dataclass(slots=True)
class Processes:
    """The child processes of one local cloud.

    Args:
        directory: where the logs go, one file per server.
        start_timeout_s: how long a server may take until it answers.
        stop_timeout_s: how long all of them together may take to end.
    """

    directory: Path
    start_timeout_s: float = START_TIMEOUT_S
    stop_timeout_s: float = STOP_TIMEOUT_S
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Start a server; its output goes to `{name}.log`."""
        with self._log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                list(command),
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal is for us; we end our children in order
            )

    def wait_for_http(self, name: str, port: int, path: str = "/") -> None:
        """Return once the server answers at all.

        Raises:
            StartFailed: with the end of its log.
        """
        self._wait_for(name, lambda: _answers(port, path))

    def wait_for_port(self, name: str, port: int) -> None:
        """Return once the server accepts connections. Raises StartFailed."""
        self._wait_for(name, lambda: _accepts(port))

    def stop(self) -> None:
        """End all, the last started first; kill what has not ended in time, or when somebody interrupts."""
        for process in reversed(self.running.values()):
            process.terminate()
        deadline_s = time.monotonic() + self.stop_timeout_s
        try:
            for process in reversed(self.running.values()):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(deadline_s - time.monotonic(), 0.1))
        finally:
            for process in self.running.values():
                _kill(process)
            self.running.clear()

    def _wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + self.start_timeout_s
        # Life first: when ours ended because the port was taken, somebody else answers there.
        while self.running[name].poll() is None and time.monotonic() < deadline_s:
            if ready():
                return
            time.sleep(POLL_S)
        raise StartFailed(name, self._log(name))

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)  # each leads a group, with its own children in it
        process.wait()


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on at this moment."""
    with contextlib.ExitStack() as stack:
        return [_bound(stack.enter_context(socket.socket())) for _ in range(count)]


def _bound(server: socket.socket) -> int:
    server.bind(("127.0.0.1", 0))
    return int(server.getsockname()[1])


@contextlib.contextmanager
def _connection(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        yield connection
    finally:
        connection.close()


def _answers(port: int, path: str) -> bool:
    try:
        with _connection(port) as connection:
            connection.request("GET", path)
            return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False
