"""A stand-in for Deepgram: POST /v1/listen on loopback, for one machine without an account.

It knows recordings by the sha256 of their bytes and says their words; of other audio it says three words of
its own, inside the audio. `POST /_fail` makes it fail, `GET /_calls` tells what it was asked.
"""

import argparse
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from os import SEEK_END
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Event, Lock
from typing import IO, Any, cast
from urllib.parse import urlsplit

import av
import httpx
from flask import Flask, Response, g, jsonify, request
from werkzeug.serving import run_simple

from infra.local.deepgram_faults import Fault, Faults
from infra.local.deepgram_shape import Json, Recording, answer, refusal, words_for

CHUNK_BYTES = 1 << 20
IN_MEMORY_BYTES = 64 << 20
LOOPBACK = ("127.0.0.1", "localhost", "::1")

Known = Mapping[str, Sequence[tuple[str, float, float]]]


class Refused(Exception):
    """The stand-in answers with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, refusal(code, message)


class StandIn:
    """What is behind the routes: what it knows, what it was asked, and how it shall fail next."""

    def __init__(self, known: Known, api_key: str) -> None:
        self.released = Event()
        self._known = known
        self._expected = f"Token {api_key}".encode()
        self._faults = Faults()
        self._calls: list[Json] = []
        self._lock = Lock()

    def listen(self) -> Response:
        """POST /v1/listen."""
        by = "url" if request.mimetype == "application/json" else "bytes"
        g.charged_s = 0.0
        with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spooled:
            audio = cast("IO[bytes]", spooled)
            if by == "bytes":  # before any refusal: a client that still sends would see a reset instead
                _copy(iter(lambda: request.stream.read(CHUNK_BYTES), b""), audio)
            try:
                response = self._respond(by, audio)
            except Refused as refused:
                response = jsonify(refused.body)
                response.status_code = refused.status
            self._note(by, audio.seek(0, SEEK_END), response.status_code)
        return response

    def fail(self) -> Response:
        """POST /_fail: the next `times` requests fail as the rest of the body says."""
        asked = dict(request.get_json())
        times = int(asked.pop("times", 1))
        try:
            self._faults.add(Fault(**asked), times)
        except (TypeError, ValueError) as error:
            return Response(str(error), status=400)
        return jsonify({"times": times})

    def calls(self) -> Response:
        """GET /_calls: what was asked so far and what Deepgram would charge, without key and URL."""
        with self._lock:
            return jsonify(self._calls)

    def _respond(self, by: str, audio: IO[bytes]) -> Response:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._expected):
            raise Refused(401, "INVALID_AUTH", "Invalid credentials.")
        fault = self._faults.take()

        def honest() -> Json:
            return self._answer(by, audio)

        return fault.answer(honest, self.released) if fault else jsonify(honest())

    def _answer(self, by: str, audio: IO[bytes]) -> Json:
        if by == "url":
            _fetch(_asked_url(), audio)
        recording = _listened(audio)
        words = words_for(self._known.get(recording.sha256), recording.duration_s)
        g.charged_s = recording.duration_s  # from here on the work is done, whatever becomes of the answer
        return answer(recording, words, request.args)

    def _note(self, by: str, size_bytes: int, status: int) -> None:
        call = {
            "by": by,
            "query": request.args.to_dict(),
            "size_bytes": size_bytes,
            "status": status,
            "charged_s": g.charged_s,
        }
        with self._lock:
            self._calls.append(call)


def make_app(known: Known, api_key: str) -> Flask:
    """The stand-in as a WSGI application.

    Args:
        known: sha256 (hex) of a recording's bytes -> its words as (text, start in s, end in s).
        api_key: the only key that is let in.
    """
    stand_in = StandIn(known, api_key)
    app = Flask("deepgram-stand-in")
    app.extensions["stand_in"] = stand_in
    app.add_url_rule("/v1/listen", view_func=stand_in.listen, methods=["POST"])
    app.add_url_rule("/_fail", view_func=stand_in.fail, methods=["POST"])
    app.add_url_rule("/_calls", view_func=stand_in.calls)
    app.add_url_rule("/", "health", lambda: "ok")
    return app


def _copy(chunks: Iterable[bytes], audio: IO[bytes]) -> None:
    for chunk in chunks:
        audio.write(chunk)


def _asked_url() -> str:
    body: Any = request.get_json(silent=True)
    url = body.get("url") if isinstance(body, dict) else None
    if not isinstance(url, str):
        message = "Content-type was application/json, but we could not process the JSON payload."
        raise Refused(400, "Bad Request", message)
    return url


def _fetch(url: str, audio: IO[bytes]) -> None:
    """Loopback only: nothing that runs on one machine may reach out from it."""
    if urlsplit(url).hostname not in LOOPBACK:
        message = "Could not determine if URL for audio download is publicly routable."
        raise Refused(400, "Bad Request", message)
    try:
        with httpx.stream("GET", url, trust_env=False) as response:
            response.raise_for_status()
            _copy(response.iter_bytes(CHUNK_BYTES), audio)
    except httpx.HTTPError as error:
        message = f"The remote server hosting the media failed to return valid data: {type(error).__name__}"
        raise Refused(400, "REMOTE_CONTENT_ERROR", message) from None


def _listened(audio: IO[bytes]) -> Recording:
    audio.seek(0)
    sha256 = hashlib.file_digest(audio, "sha256").hexdigest()  # type: ignore[arg-type] # readinto exists
    audio.seek(0)
    try:
        with av.open(audio, mode="r") as container:
            stream = container.streams.audio[0]
            return Recording(sha256, _duration_s(container), stream.channels)
    except (av.FFmpegError, IndexError):
        message = "Bad Request: failed to process audio: corrupt or unsupported data"
        raise Refused(400, "Bad Request", message) from None


def _duration_s(container: "av.container.InputContainer") -> float:
    """The header's word; where it has none (a stream recorded live), what decoding adds up to."""
    if container.duration:
        return container.duration / av.time_base
    return sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))


def main() -> None:
    """Serve on loopback until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--api-key", default="local")
    parser.add_argument("--known", type=Path, help="JSON: sha256 -> [[word, start_s, end_s], ...]")
    options = parser.parse_args()
    known: Known = json.loads(options.known.read_text(encoding="utf-8")) if options.known else {}
    run_simple("127.0.0.1", options.port, make_app(known, options.api_key), threaded=True)


if __name__ == "__main__":
    main()
