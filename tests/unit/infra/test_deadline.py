"""Servers that never end, on loopback: sockets must really wait here, each for a fraction of a second."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Thread

import httpx
import pytest

from infra.deadline import Deadline

pytestmark = pytest.mark.local_cloud

LIMIT_S = 0.2
LONG_S = 5.0
OK = b"HTTP/1.1 200 OK\r\n"
Talk = Callable[[socket.socket, Event], None]


@contextmanager
def server(talk: Talk) -> Iterator[str]:
    """One connection, over which `talk` says what it likes until the event is set."""
    over = Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with closing(connection), suppress(OSError):
                talk(connection, over)

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def drip(connection: socket.socket, over: Event, start: bytes) -> None:
    connection.recv(65_536)
    connection.sendall(start)
    while not over.wait(0.02):
        connection.sendall(b"a")


def drips_its_headers(connection: socket.socket, over: Event) -> None:
    drip(connection, over, OK + b"X-Long: ")


def drips_its_body(connection: socket.socket, over: Event) -> None:
    drip(connection, over, OK + b"Content-Length: 9999\r\n\r\n")


def drips_a_body_without_length(connection: socket.socket, over: Event) -> None:
    drip(connection, over, OK + b"\r\n")


def never_answers(connection: socket.socket, over: Event) -> None:
    over.wait(LONG_S)


def hardly_reads(connection: socket.socket, over: Event) -> None:
    while not over.wait(0.02):
        connection.recv(1)


def answers(connection: socket.socket, over: Event) -> None:
    connection.recv(65_536)
    connection.sendall(OK + b"Content-Length: 2\r\n\r\nok")
    over.wait(LONG_S)


def endless() -> Iterator[bytes]:
    while True:
        yield bytes(65_536)


def asked(url: str, limit_s: float, content: Iterator[bytes] | None = None) -> tuple[str, bool]:
    with (
        Deadline(limit_s) as deadline,
        httpx.Client(timeout=LONG_S, event_hooks={"request": [deadline.watch]}, trust_env=False) as http,
    ):
        try:
            said = http.post(url, content=content).text
        except httpx.HTTPError as error:
            said = type(error).__name__
    return said, deadline.passed


@pytest.mark.parametrize(
    "talk", [drips_its_headers, drips_its_body, drips_a_body_without_length, never_answers, hardly_reads]
)
def test_no_exchange_outlives_its_deadline(talk: Talk) -> None:
    begun_s = time.monotonic()
    with server(talk) as url:
        _, passed = asked(url, LIMIT_S, endless() if talk is hardly_reads else None)
        took_s = time.monotonic() - begun_s
    assert passed
    assert LIMIT_S <= took_s < LONG_S / 2


def test_what_ends_in_time_is_left_alone() -> None:
    with server(answers) as url:
        assert asked(url, LONG_S) == ("ok", False)


def test_a_deadline_that_passed_before_there_was_a_connection_ends_it_at_once() -> None:
    begun_s = time.monotonic()
    with server(never_answers) as url, Deadline(0.0) as deadline:
        while not deadline.passed:
            time.sleep(0.001)
        with (
            httpx.Client(timeout=LONG_S, event_hooks={"request": [deadline.watch]}, trust_env=False) as http,
            pytest.raises(httpx.HTTPError),
        ):
            http.get(url)
        assert time.monotonic() - begun_s < LONG_S / 2
