"""One request to servers that no SDK expects, each of which really waits for a fraction of a second."""

import socket
import time
from collections.abc import Iterator
from threading import Event

import pytest

from core.errors import EngineFailed
from infra.deepgram_errors import DeepgramBusy
from infra.deepgram_request import DeepgramRequests
from tests.fakes.clock import FakeClock
from tests.unit.infra.slow_servers import (
    LIMIT_S,
    LONG_S,
    OK,
    Talk,
    drips_a_body_without_length,
    drips_its_body,
    drips_its_headers,
    hardly_reads,
    never_answers,
    server,
)

pytestmark = pytest.mark.local_cloud

OPTIONS = {"model": "nova-3"}


def requests(url: str, timeout_s: float = LONG_S, max_answer_bytes: int = 1000) -> DeepgramRequests:
    return DeepgramRequests(FakeClock(), "a-key", url, timeout_s, max_answer_bytes)


def says(body: bytes) -> Talk:
    def talk(connection: socket.socket, over: Event) -> None:
        connection.recv(65_536)
        head = OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + body)
        over.wait(LONG_S)  # closing with some of the request unread would reset what was sent

    return talk


def endless() -> Iterator[bytes]:
    while True:
        yield bytes(65_536)


@pytest.mark.parametrize(
    "talk", [drips_its_headers, drips_its_body, drips_a_body_without_length, never_answers, hardly_reads]
)
def test_no_request_takes_longer_than_it_may_and_it_may_have_been_charged(talk: Talk) -> None:
    begun_s = time.monotonic()
    with server(talk) as url:
        audio = endless() if talk is hardly_reads else "https://bucket.invalid/audio.mp3"
        with pytest.raises(DeepgramBusy, match=r"no whole answer within 0\.2 s") as failed:
            requests(url, LIMIT_S).send(audio, OPTIONS)
        took_s = time.monotonic() - begun_s
    assert failed.value.maybe_billed
    assert took_s < LONG_S / 2


@pytest.mark.parametrize(
    "body",
    [b"{}", b"<html>", b'{"results": 7}', b"[1, 2]", b"\xff"],
    ids=["empty", "html", "shape", "list", "bytes"],
)
def test_whatever_comes_with_success_is_handed_over_as_it_came(body: bytes) -> None:
    with server(says(body)) as url:
        assert requests(url).send("https://bucket.invalid/audio.mp3", OPTIONS) == body


def test_an_answer_without_an_end_is_not_read_to_it() -> None:
    with (
        server(says(b"a" * 1001)) as url,
        pytest.raises(EngineFailed, match="longer than any transcript") as failed,
    ):
        requests(url, max_answer_bytes=1000).send("https://bucket.invalid/audio.mp3", OPTIONS)
    assert failed.value.code == "engine_bad_result"


def test_an_answer_as_long_as_allowed_is_read() -> None:
    with server(says(b"a" * 1000)) as url:
        said = requests(url, max_answer_bytes=1000).send("https://bucket.invalid/audio.mp3", OPTIONS)
    assert len(said) == 1000
