import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import httpx
import pytest

from core.errors import KlipscribeError, RecordNotFound, RecordRefused, Retryable
from infra.convex import ConvexVideos
from infra.local.convex import make_app
from tests.convex.backends import KEY, StandIn

VIDEO = "2434635255"


@pytest.fixture
def stand_in() -> StandIn:
    seconds = count()
    return StandIn(make_app(KEY, now=lambda: datetime(2025, 1, 1, 0, 0, next(seconds), tzinfo=UTC)))


def call(stand_in: StandIn, kind: str, body: object, key: str | None = KEY) -> httpx.Response:
    headers = {"Authorization": f"Convex {key}"} if key else {}
    return stand_in.http.post(f"/api/{kind}", json=body, headers=headers)


def test_the_history_holds_every_write_in_order_and_backward_ones_too(stand_in: StandIn) -> None:
    stand_in.create(VIDEO, "Queued")
    stand_in.records.set_status(VIDEO, "Analyzing")
    stand_in.records.set_urls(VIDEO, {"transcript_url": "gs://b/o"})
    stand_in.records.set_status(VIDEO, "Transcribing")
    assert stand_in.video(VIDEO) == {
        "twitchId": VIDEO,
        "status": "Transcribing",
        "transcript_url": "gs://b/o",
        "history": [
            {"at": "2025-01-01T00:00:00+00:00", "status": "Analyzing"},
            {"at": "2025-01-01T00:00:01+00:00", "urls": {"transcript_url": "gs://b/o"}},
            {"at": "2025-01-01T00:00:02+00:00", "status": "Transcribing"},
        ],
    }


def test_an_answer_has_the_shape_of_convex(stand_in: StandIn) -> None:
    stand_in.create(VIDEO, "Queued")
    query = {"path": "video:getByTwitchIdPublic", "args": {"twitchId": VIDEO}, "format": "json"}
    answer = call(stand_in, "query", query)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "value": {"twitchId": VIDEO, "status": "Queued"},
        "logLines": [],
    }


@pytest.mark.parametrize(
    ("kind", "path", "arguments", "message"),
    [
        (
            "mutation",
            "video:updateUrls",
            {"twitchId": "1", "urls": {"srt_url": "x"}},
            "extra field `srt_url`",
        ),
        ("mutation", "video:updateUrls", {"twitchId": "1", "urls": {"chat_url": 7}}, "Path: .urls"),
        ("mutation", "video:updateUrls", {"twitchId": "1", "urls": []}, "Path: .urls"),
        ("mutation", "video:updateUrls", {"twitchId": "1"}, "required field `urls`"),
        ("mutation", "video:updateStatusByTwitchId", {"twitchId": 1, "status": "Failed"}, "Path: .twitchId"),
        ("mutation", "video:updateStatusByTwitchId", {"twitchId": "1", "status": "failed"}, "Path: .status"),
        ("query", "video:getByTwitchIdPublic", {"twitchId": "1", "more": 1}, "extra field `more`"),
        ("query", "video:get", {"twitchId": "1"}, "Could not find public function"),
        (
            "query",
            "video:updateUrls",
            {"twitchId": "1", "urls": {}},
            "as query, but it is defined as mutation",
        ),
    ],
)
def test_what_a_function_refuses_is_an_error_with_status_200(
    stand_in: StandIn, kind: str, path: str, arguments: object, message: str
) -> None:
    stand_in.create("1", "Queued")
    answer = call(stand_in, kind, {"path": path, "args": arguments, "format": "json"})
    assert (answer.status_code, answer.json()["status"]) == (200, "error")
    assert message in answer.json()["errorMessage"]
    assert stand_in.video("1")["history"] == []


@pytest.mark.parametrize(
    "body", [[], {}, {"path": "video:updateUrls"}, {"path": "a:b", "args": {}, "format": "xml"}, "text"]
)
def test_a_body_that_is_no_call_is_a_bad_request(stand_in: StandIn, body: object) -> None:
    assert call(stand_in, "mutation", body).status_code == 400


def test_another_endpoint_is_not_found(stand_in: StandIn) -> None:
    assert call(stand_in, "action", {}).status_code == 404


@pytest.mark.parametrize(("key", "status"), [(None, 403), ("prod:wrong|key", 401), (KEY, 200)])
def test_a_configured_key_is_demanded(stand_in: StandIn, key: str | None, status: int) -> None:
    query = {"path": "video:getByTwitchIdPublic", "args": {"twitchId": VIDEO}}
    assert call(stand_in, "query", query, key).status_code == status
    if status != 200:
        with pytest.raises(RecordRefused, match="CONVEX_DEPLOY_KEY"):
            ConvexVideos("http://convex", key, http=stand_in.http).status(VIDEO)


def test_a_first_touch_creates_a_twitch_video_and_no_other_name() -> None:
    stand_in = StandIn(make_app(KEY, auto_create=True))
    assert stand_in.records.status(VIDEO) == "Queued"
    stand_in.records.set_status("7", "Transcribing")
    assert stand_in.records.status("7") == "Transcribing"
    assert stand_in.records.status("folder/name") is None
    with pytest.raises(RecordNotFound):
        stand_in.records.set_status("folder/name", "Transcribing")


@pytest.mark.parametrize(
    ("status", "expected"), [(500, Retryable), (429, Retryable), (560, RecordRefused), (403, RecordRefused)]
)
def test_ordered_failures_come_as_often_as_ordered_and_write_nothing(
    stand_in: StandIn, status: int, expected: type[KlipscribeError]
) -> None:
    stand_in.create(VIDEO, "Queued")
    stand_in.http.post("/_fail", json={"times": 2, "status": status}).raise_for_status()
    for _ in range(2):
        with pytest.raises(expected):
            stand_in.records.set_status(VIDEO, "Transcribing")
    assert stand_in.records.status(VIDEO) == "Queued"


def test_an_answer_may_be_lost_after_the_write(stand_in: StandIn) -> None:
    stand_in.create(VIDEO, "Queued")
    stand_in.http.post("/_fail", json={"times": 1, "status": 503, "applied": True}).raise_for_status()
    with pytest.raises(Retryable):
        stand_in.records.set_status(VIDEO, "Transcribing")
    assert stand_in.records.status(VIDEO) == "Transcribing"


@pytest.fixture
def served() -> Iterator[str]:
    command = [sys.executable, "-m", "infra.local.convex", "--port", "0", "--deploy-key", KEY]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        running = next(line for line in process.stderr if "Running on" in line)
        try:
            yield running.rsplit(" ", 1)[1].strip()
        finally:
            process.kill()


@pytest.mark.local_cloud
def test_the_module_serves_on_a_socket_of_this_machine(served: str) -> None:
    videos = ConvexVideos(served, KEY)
    videos.set_status(VIDEO, "Transcribing")
    assert videos.status(VIDEO) == "Transcribing"
    videos.close()
