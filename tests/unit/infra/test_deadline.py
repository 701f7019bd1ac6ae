"""Servers that never end, on loopback: sockets must really wait here, each for a fraction of a second."""

import time
from collections.abc import Iterator

import httpx
import pytest

from infra.deadline import Deadline
from tests.unit.infra.slow_servers import (
    LIMIT_S,
    LONG_S,
    Talk,
    answers,
    drips_a_body_without_length,
    drips_its_body,
    drips_its_headers,
    hardly_reads,
    never_answers,
    server,
)

pytestmark = pytest.mark.local_cloud


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
