import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import flask
import functions_framework
import pytest

from handlers import main
from handlers.breakers import Breakers
from handlers.life import Life
from handlers.outcome import Handle
from infra.local.topology import FUNCTIONS, SUBSCRIPTIONS
from tests.fakes.clock import FakeClock
from tests.log_lines import Lines
from tests.payloads import payload

MAIN = Path(__file__).parents[3] / "handlers" / "main.py"
SERVED = Path(__file__).with_name("served.py")


def client(target: str, source: Path = MAIN) -> Any:
    app: Any = functions_framework.create_app(target, str(source))  # type: ignore[no-untyped-call]
    return app.test_client()


@pytest.mark.parametrize("target", FUNCTIONS)
@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_every_function_tells_its_health(target: str, path: str) -> None:
    response = client(target).get(path)
    assert (response.status_code, response.json) == (200, {"status": "ok", "service": target})


@pytest.mark.parametrize("target", FUNCTIONS)
def test_a_look_at_the_headers_alone_is_health_too(target: str) -> None:
    response = client(target).head("/")
    assert (response.status_code, response.data) == (200, b"")


def test_health_is_red_with_the_reason_once_the_process_is_to_end() -> None:
    life = Life(end=lambda: None)
    life.doom("engine_lost: the device no longer answers")
    with flask.Flask("test").app_context():
        response = main.health("transcribe", life)
    assert response.status_code == 503
    assert response.json == {"status": "engine_lost: the device no longer answers", "service": "transcribe"}


def test_health_shows_the_engines_of_this_process_and_stays_green_while_one_rests() -> None:
    breakers = Breakers(FakeClock())
    breaker = breakers.of("parakeet")
    for file in ("a", "b", "c"):
        call = breaker.admit()
        assert call is not None
        breaker.failed(call, file, "engine_failed")
    with flask.Flask("test").app_context():
        response = main.health("transcribe", Life(end=lambda: None), breakers)
    engine = {"breaker": "open", "failures": 3, "retry_in_s": 30.0, "code": "engine_failed"}
    assert response.status_code == 200
    assert response.json == {"status": "ok", "service": "transcribe", "engines": {"parakeet": engine}}


def test_a_push_to_a_process_that_is_to_end_is_nacked_and_claims_nothing() -> None:
    def wired() -> Handle:
        raise AssertionError("nothing is wired for it")

    life = Life(end=lambda: None)
    life.doom("engine_lost: the device no longer answers")
    with flask.Flask("test").test_request_context(method="POST", data=b"{}"):
        response = main.serve(flask.request, "transcribe", wired, life)
    assert response.status_code == 503


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_what_is_neither_health_nor_a_push_is_not_allowed(method: str) -> None:
    response = client("ingest").open("/", method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_every_subscription_pushes_to_a_function_that_is_served() -> None:
    assert {subscription.function for subscription in SUBSCRIPTIONS} == set(FUNCTIONS)


def test_a_defect_is_answered_with_500_and_logged_with_its_trace(lines: Lines) -> None:
    request = payload("requested")
    response = client("defect", SERVED).post("/", data=request.raw, headers=request.headers)
    assert (response.status_code, response.headers["X-Google-Status"]) == (500, "crash")
    ours, framework = lines.read_all()
    assert (ours["message"], ours["job_id"]) == ("a defect: ZeroDivisionError", request.data["job_id"])
    assert framework["exception"].endswith("ZeroDivisionError")
    assert request.body["message"]["data"] not in lines.getvalue()


def test_a_setting_that_is_out_of_range_stops_the_start() -> None:
    command = [sys.executable, "-m", "functions_framework", "--source", str(MAIN), "--target", "ingest"]
    started = subprocess.run(
        command,
        env={**os.environ, "ROLLOUT_PERCENT": "250"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode != 0
    assert "ROLLOUT_PERCENT=250: expected 0 to 100" in started.stderr


def test_a_setting_that_does_nothing_is_named_at_the_start() -> None:
    started = subprocess.run(
        [sys.executable, "-c", "import handlers.main"],
        env={**os.environ, "TRANSCRIPTION_METHODS": "auto", "HYBRID_SPLIT_HOURS": "3"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = [json.loads(line) for line in started.stderr.splitlines()]
    assert [(line["severity"], line["message"]) for line in said] == [
        ("WARNING", "TRANSCRIPTION_METHODS is not a setting; did you mean TRANSCRIPTION_METHOD?"),
        ("WARNING", "HYBRID_SPLIT_HOURS is set, and nothing reads it in this version"),
    ]
