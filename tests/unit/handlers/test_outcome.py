import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import flask
import pytest

from core.errors import (
    AlreadyInProgress,
    EngineFailed,
    MalformedMessage,
    NoRouteNow,
    RecordRefused,
    Retryable,
)
from handlers.envelope import Delivery
from handlers.outcome import answer
from tests.log_lines import Lines
from tests.payloads import Payload, payload

REQUEST = payload("requested")
JOB = REQUEST.data["job_id"]


@dataclass
class Function:
    """A function under test: what it was given, and what it recorded as malformed."""

    work: Callable[[], None] = lambda: None
    handled: list[Delivery] = field(default_factory=list)
    recorded: list[tuple[bytes, str]] = field(default_factory=list)
    record_fails: Exception | None = None

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> flask.Response:
        app = flask.Flask("test")
        with app.test_request_context("/", method="POST", data=body, headers=headers or {}):
            return answer(flask.request, self._handle, self._record)

    def push(self, request: Payload = REQUEST, **headers: str) -> flask.Response:
        return self.post(request.raw, {**request.headers, **headers})

    def _handle(self, delivery: Delivery) -> None:
        self.handled.append(delivery)
        self.work()

    def _record(self, body: bytes, reason: str) -> None:
        if self.record_fails:
            raise self.record_fails
        self.recorded.append((body, reason))


@pytest.fixture
def function() -> Function:
    return Function()


def raising(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_work_that_is_done_is_acked(function: Function, lines: Lines) -> None:
    assert function.push().status_code == 204
    [delivery] = function.handled
    assert delivery.job_id == JOB
    assert lines.getvalue() == ""


@pytest.mark.parametrize(
    "error",
    [
        Retryable("bucket: slow down", code="storage_unavailable"),
        NoRouteNow("audio.mp3", "the GPU sleeps"),
        AlreadyInProgress(JOB, "another"),
        EngineFailed("out of memory", code="engine_out_of_memory"),
        RecordRefused("the key is wrong"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_another_delivery_may_mend_is_nacked(function: Function, lines: Lines, error: Any) -> None:
    function.work = raising(error)
    response = function.push()
    assert (response.status_code, response.get_data(as_text=True)) == (503, error.code)
    line = lines.one()
    assert (line["severity"], line["code"]) == ("WARNING", error.code)
    assert (line["job_id"], line["attempt"], line["event_id"]) == (JOB, "1", f"{JOB}/1/requested")


def test_a_message_that_can_not_be_read_is_recorded_and_acked(function: Function, lines: Lines) -> None:
    response = function.post(b"\0 the transcript")
    assert response.status_code == 204
    assert function.handled == []
    [(body, reason)] = function.recorded
    assert body == b"\0 the transcript"
    line = lines.one()
    assert (line["severity"], line["code"]) == ("ERROR", "malformed_message")
    assert line["message"] == f"malformed message: {reason}"
    assert "transcript" not in lines.getvalue()


def test_a_message_that_a_handler_can_not_use_is_recorded_with_its_job(
    function: Function, lines: Lines
) -> None:
    function.work = raising(MalformedMessage("expected another type"))
    assert function.push().status_code == 204
    assert function.recorded == [(REQUEST.raw, "expected another type")]
    assert (lines.one()["job_id"], lines.one()["attempt"]) == (JOB, "1")


def test_a_malformed_message_that_could_not_be_recorded_is_nacked(function: Function, lines: Lines) -> None:
    function.record_fails = Retryable("bucket", code="storage_unavailable")
    assert function.post(b"junk").status_code == 503


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyError("a"), LookupError(), MemoryError()])
def test_a_defect_is_not_swallowed_and_names_its_job(
    function: Function, lines: Lines, error: Exception
) -> None:
    function.work = raising(error)
    with pytest.raises(type(error)) as caught:
        function.push()
    assert caught.value is error
    line = lines.one()
    assert (line["severity"], line["job_id"]) == ("ERROR", JOB)
    assert line["message"] == f"a defect: {type(error).__name__}"


def test_the_trace_of_the_request_is_in_every_line(function: Function, lines: Lines) -> None:
    function.work = raising(Retryable("later"))
    function.push(traceparent="00-11-22-01")
    assert lines.one()["trace"] == "00-11-22-01"


def test_the_attempt_of_the_delivery_is_in_every_line(function: Function, lines: Lines) -> None:
    function.work = raising(Retryable("later"))
    body = {**REQUEST.body, "deliveryAttempt": 6}
    function.post(json.dumps(body).encode())
    assert lines.one()["attempt"] == "6"


def test_one_request_leaves_no_context_to_the_next(function: Function, lines: Lines) -> None:
    function.push()
    function.work = raising(Retryable("later"))
    function.push(payload("storage_finalize"))
    assert "job_id" not in lines.one()
