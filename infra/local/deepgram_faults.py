"""Ways in which the Deepgram stand-in can be told to fail."""

import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from flask import Response, jsonify, request

from infra.local.deepgram_shape import Json, refusal

MAX_STALL_S = 30.0

_SAID = {
    400: ("Bad Request", "Bad Request: failed to process audio: corrupt or unsupported data"),
    401: ("INVALID_AUTH", "Invalid credentials."),
    402: ("ASR_PAYMENT_REQUIRED", "Project does not have enough credits."),
    403: ("INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model."),
    408: ("REQUEST_TIMEOUT", "The request took too long to arrive."),
    413: ("PAYLOAD_TOO_LARGE", "The file is larger than 2 GB."),
    429: ("TOO_MANY_REQUESTS", "Too many requests. Please try again later"),
    504: ("GATEWAY_TIMEOUT", "Processing took longer than 10 minutes."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure.

    Args:
        status: of the answer.
        headers: of the answer.
        body: JSON value or text; None for Deepgram's own error shape.
        mode: a key of MODES; empty to answer with status, headers and body.
        seconds: how long to stall, or how long between two bytes, at most MAX_STALL_S.
    """

    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    mode: str = ""
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.mode and self.mode not in MODES:
            raise ValueError(f"no such mode, expected one of {', '.join(sorted(MODES))}")

    def answer(self, honest: Callable[[], Json], released: Event) -> Response:
        """The failing response; `honest` gives the right answer, for modes that spoil it."""
        if self.mode:
            return MODES[self.mode](self, honest, released)
        body = (
            refusal(*_SAID.get(self.status, ("ERROR", "Something failed.")))
            if self.body is None
            else self.body
        )
        response = Response(body, mimetype="text/plain") if isinstance(body, str) else jsonify(body)
        response.status_code = self.status
        response.headers.update(self.headers)
        return response


class Faults:
    """Failures still to come, first in first out; shared by the threads of a server."""

    def __init__(self) -> None:
        self._queue: deque[Fault] = deque()
        self._lock = Lock()

    def add(self, fault: Fault, times: int) -> None:
        """Fail like this, this many times more."""
        with self._lock:
            self._queue.extend([fault] * times)

    def take(self) -> Fault | None:
        """The next failure, if one is due."""
        with self._lock:
            return self._queue.popleft() if self._queue else None


_Mode = Callable[[Fault, Callable[[], Json], Event], Response]


def _spoiled(change: Callable[[Json], None]) -> _Mode:
    def mode(_fault: Fault, honest: Callable[[], Json], _released: Event) -> Response:
        body = deepcopy(honest())
        change(body)
        return jsonify(body)

    return mode


def _wrong_duration(body: Json) -> None:
    body["metadata"]["duration"] = body["metadata"]["duration"] * 2 + 10


def _wrong_sha256(body: Json) -> None:
    body["metadata"]["sha256"] = "0" * 64


def _words_without_times(body: Json) -> None:
    for word in _reading(body)["words"]:
        del word["start"], word["end"]


def _words_backwards(body: Json) -> None:
    _reading(body)["words"].reverse()


def _no_channels(body: Json) -> None:
    body["results"]["channels"] = []


def _reading(body: Json) -> Json:
    reading: Json = body["results"]["channels"][0]["alternatives"][0]
    return reading


def _reset(_fault: Fault, honest: Callable[[], Json], _released: Event) -> Response:
    """Half of an answer, then a TCP reset."""
    whole = jsonify(honest()).get_data()
    connection: socket.socket | None = request.environ.get("werkzeug.socket")

    def half() -> Iterator[bytes]:
        yield whole[: len(whole) // 2]
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionResetError

    return Response(half(), headers={"Content-Length": str(len(whole))}, mimetype="application/json")


def _stall_midway(fault: Fault, honest: Callable[[], Json], released: Event) -> Response:
    """Half of an answer, then nothing for a while, then the rest."""
    whole = jsonify(honest()).get_data()

    def halves() -> Iterator[bytes]:
        yield whole[: len(whole) // 2]
        released.wait(min(fault.seconds, MAX_STALL_S))
        yield whole[len(whole) // 2 :]

    return Response(halves(), headers={"Content-Length": str(len(whole))}, mimetype="application/json")


def _drip(fault: Fault, honest: Callable[[], Json], released: Event) -> Response:
    """The answer byte by byte: no silence in it is long, and it has no end in sight."""
    whole = jsonify(honest()).get_data()

    def bytes_by_and_by() -> Iterator[bytes]:
        for byte in whole:
            released.wait(min(fault.seconds, MAX_STALL_S))
            yield bytes([byte])

    return Response(
        bytes_by_and_by(), headers={"Content-Length": str(len(whole))}, mimetype="application/json"
    )


def _stall(fault: Fault, honest: Callable[[], Json], released: Event) -> Response:
    released.wait(min(fault.seconds, MAX_STALL_S))
    return jsonify(honest())


def _empty(_fault: Fault, _honest: Callable[[], Json], _released: Event) -> Response:
    return jsonify({})


def _html(_fault: Fault, _honest: Callable[[], Json], _released: Event) -> Response:
    return Response("<html><body>Welcome to the network</body></html>", mimetype="text/html")


MODES: Mapping[str, _Mode] = {
    "drip": _drip,
    "empty": _empty,
    "html": _html,
    "no_channels": _spoiled(_no_channels),
    "reset": _reset,
    "stall": _stall,
    "stall_midway": _stall_midway,
    "words_backwards": _spoiled(_words_backwards),
    "words_without_times": _spoiled(_words_without_times),
    "wrong_duration": _spoiled(_wrong_duration),
    "wrong_sha256": _spoiled(_wrong_sha256),
}
