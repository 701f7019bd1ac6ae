"""Servers on loopback that take their time, or have no end."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Thread

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
