"""A stand-in for the pipeline's Convex backend: the three functions of the contract, kept in memory.

It writes what it is told, as that backend does: a status that moves backwards shows up in the history.
Beside Convex's own paths it has three for people and tests:

GET  /videos    every record, with the history of its writes
POST /videos    {"twitchId": ..., "status": ...} creates a record
POST /_fail     {"times": 2, "status": 503, "applied": false} fails the next calls; with applied, after
                having carried them out, as when an answer is lost
"""

import argparse
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from flask import Flask, Response, jsonify, request

from infra.local.convex_functions import FunctionError, Records, run

Answer = tuple[Response, int]


class Faults:
    """Failures that were ordered and not yet delivered."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._times, self._status, self._applied = 0, 500, False

    def order(self, times: int = 1, status: int = 500, *, applied: bool = False) -> None:
        """Let the next calls answer with this HTTP status."""
        with self._lock:
            self._times, self._status, self._applied = times, status, applied

    def take(self) -> tuple[int, bool] | None:
        """The status of the failure that is due, and whether the call is carried out before."""
        with self._lock:
            if self._times < 1:
                return None
            self._times -= 1
            return self._status, self._applied


def make_app(
    deploy_key: str | None = None,
    *,
    auto_create: bool = False,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Flask:
    """The server as a WSGI application with records of its own.

    Args:
        deploy_key: demanded of every call when given. Convex itself lets a call without any key reach
            public functions; the stand-in is stricter, so that a key that is never sent is noticed.
        auto_create: let a video come into being, Queued, on its first call. In the real pipeline the
            row exists before its audio. Ids that are no Twitch ids stay unknown.
        now: the clock of the history.
    """
    app = Flask(__name__)
    records, faults = Records(auto_create=auto_create, now=now), Faults()

    @app.post("/api/<any(query, mutation):kind>")
    def call(kind: str) -> Answer:
        refusal = _refusal(deploy_key)
        return refusal or _answer(kind, records, faults)

    @app.get("/videos")
    def videos() -> Response:
        return jsonify({"videos": records.all()})

    @app.post("/videos")
    def create() -> Answer:
        body = request.get_json()
        records.create(str(body["twitchId"]), body.get("status"))
        return jsonify({"created": body["twitchId"]}), 201

    @app.post("/_fail")
    def fail() -> Response:
        faults.order(**request.get_json())
        return jsonify({"ordered": True})

    return app


def _refusal(deploy_key: str | None) -> Answer | None:
    given = request.headers.get("Authorization", "")
    if deploy_key is None or hmac.compare_digest(given.encode(), f"Convex {deploy_key}".encode()):
        return None
    if not given:
        return _error(403, "BadDeployKey", "A deploy key is required.")
    return _error(401, "BadAdminKey", "The provided admin key was invalid for this instance")


def _answer(kind: str, records: Records, faults: Faults) -> Answer:
    body = request.get_json(silent=True)
    if body is None or not _is_call(body):
        return _error(400, "BadJsonBody", "expected a JSON object with path, args and format json")
    fault = faults.take()
    answer = _outcome(kind, body, records) if fault is None or fault[1] else {}
    return (jsonify(answer), 200) if fault is None else _error(fault[0], "OrderedFailure", "as ordered")


def _is_call(body: object) -> bool:
    return (
        isinstance(body, dict)
        and isinstance(body.get("path"), str)
        and isinstance(body.get("args"), dict)
        and body.get("format", "json") == "json"
    )


def _outcome(kind: str, body: Mapping[str, Any], records: Records) -> Mapping[str, Any]:
    """A function's failure is an answer with HTTP status 200, as the real API gives it."""
    try:
        value = run(kind, body["path"], body["args"], records)
    except FunctionError as error:
        return {"status": "error", "errorMessage": str(error), "logLines": []}
    return {"status": "success", "value": value, "logLines": []}


def _error(status: int, code: str, message: str) -> Answer:
    return jsonify({"code": code, "message": message}), status


def main() -> None:
    """Serve on this machine only."""
    parser = argparse.ArgumentParser(description="Stand-in for the pipeline's Convex backend")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--deploy-key")
    parser.add_argument("--auto-create", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    app = make_app(options.deploy_key, auto_create=options.auto_create)
    app.run(host="127.0.0.1", port=options.port, threaded=True)


if __name__ == "__main__":
    main()
