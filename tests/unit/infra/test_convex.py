import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import RecordNotFound, RecordRefused, Retryable
from infra.convex import ConvexVideos

URL = "https://made-up-name-1.convex.cloud"
KEY = "prod:made-up|0123456789"
VIDEO = "2434635255"
ANSWERS = json.loads((Path(__file__).parents[2] / "convex" / "answers.json").read_text())
Answering = Callable[[httpx.Request], httpx.Response]


def client(answer: Answering, key: str | None = KEY, url: str = URL) -> ConvexVideos:
    return ConvexVideos(url, key, http=httpx.Client(transport=httpx.MockTransport(answer)))


def says(value: object) -> Answering:
    return lambda request: httpx.Response(200, json={"status": "success", "value": value})


def raises(error: Exception) -> Answering:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    return answer


class Recorder:
    def __init__(self, value: object = None) -> None:
        self.requests: list[httpx.Request] = []
        self.value = value

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return says(self.value)(request)


@pytest.mark.parametrize(
    ("call", "endpoint", "body"),
    [
        (
            lambda videos: videos.status(VIDEO),
            "/api/query",
            {"path": "video:getByTwitchIdPublic", "args": {"twitchId": VIDEO}, "format": "json"},
        ),
        (
            lambda videos: videos.set_status(VIDEO, "Failed"),
            "/api/mutation",
            {
                "path": "video:updateStatusByTwitchId",
                "args": {"twitchId": VIDEO, "status": "Failed"},
                "format": "json",
            },
        ),
        (
            lambda videos: videos.set_urls(VIDEO, {"transcript_url": "gs://b/o"}),
            "/api/mutation",
            {
                "path": "video:updateUrls",
                "args": {"twitchId": VIDEO, "urls": {"transcript_url": "gs://b/o"}},
                "format": "json",
            },
        ),
    ],
)
@pytest.mark.parametrize("url", [URL, f"{URL}/", f" {URL}\n"])
def test_a_call_is_the_one_of_the_contract(
    call: Callable[[ConvexVideos], None], endpoint: str, body: dict[str, Any], url: str
) -> None:
    recorder = Recorder({"status": "Queued", "success": True})
    call(client(recorder, url=url))
    [request] = recorder.requests
    assert (request.method, str(request.url)) == ("POST", f"{URL}{endpoint}")
    assert json.loads(request.content) == body
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("key", "header"), [(KEY, f"Convex {KEY}"), (f"{KEY}\n", f"Convex {KEY}"), (None, None), ("", None)]
)
def test_the_key_is_sent_when_there_is_one(key: str | None, header: str | None) -> None:
    recorder = Recorder()
    client(recorder, key).status(VIDEO)
    assert recorder.requests[0].headers.get("authorization") == header


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer["name"] for answer in ANSWERS])
def test_each_known_answer_means_what_its_fixture_says(answer: dict[str, Any]) -> None:
    videos = client(lambda request: httpx.Response(answer["http_status"], json=answer["body"]))
    if answer["means"] == "success":
        videos.set_status(VIDEO, "Transcribing")
        return
    with pytest.raises((RecordRefused, Retryable)) as raised:
        videos.set_status(VIDEO, "Transcribing")
    assert raised.value.code == answer["means"]
    assert raised.value.retryable is (answer["means"] != "record_refused")


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer["name"] for answer in ANSWERS])
def test_each_fixture_names_its_source_and_date(answer: dict[str, Any]) -> None:
    assert answer["source"]
    assert answer["date"]


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504, 520, 599])
def test_a_failure_of_the_server_or_its_patience_may_be_tried_again(status: int) -> None:
    with pytest.raises(Retryable, match=str(status)):
        client(lambda request: httpx.Response(status, text="<html>")).set_urls(VIDEO, {})


@pytest.mark.parametrize("status", [204, 301, 308, 400, 405, 413, 422])
def test_an_answer_that_no_convex_gives_names_the_url_variable(status: int) -> None:
    with pytest.raises(RecordRefused, match=f"{status}, check CONVEX_URL"):
        client(lambda request: httpx.Response(status)).status(VIDEO)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_named_by_its_variable_and_never_quoted(status: int) -> None:
    with pytest.raises(RecordRefused, match=f"{status}, check CONVEX_DEPLOY_KEY") as refused:
        client(lambda request: httpx.Response(status, text=KEY)).status(VIDEO)
    assert KEY not in str(refused.value)


def test_a_failed_function_shows_one_line_without_the_key() -> None:
    text = f"Server Error {KEY}\nUncaught Error: quoting arguments"
    with pytest.raises(RecordRefused) as refused:
        client(lambda request: httpx.Response(200, json={"status": "error", "errorMessage": text})).status(
            "1"
        )
    assert "Server Error ***" in str(refused.value)
    assert "arguments" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"null", b'{"status": "error"}', b"<html>", b"\xff"])
def test_a_failed_function_needs_no_readable_body(body: bytes) -> None:
    with pytest.raises(RecordRefused):
        client(lambda request: httpx.Response(560, content=body)).status(VIDEO)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"<html>",
        b"\xff",
        b'{"status": "success"}',
        b'{"status": "odd", "value": 1}',
    ],
)
def test_an_answer_that_can_not_be_read_may_be_tried_again(body: bytes) -> None:
    with pytest.raises(Retryable, match="can't be read"):
        client(lambda request: httpx.Response(200, content=body)).set_urls(VIDEO, {})


@pytest.mark.parametrize("value", [[], "Queued", 7, {"status": 7}])
def test_a_video_that_can_not_be_read_is_no_missing_video(value: object) -> None:
    with pytest.raises(Retryable):
        client(says(value)).status(VIDEO)


@pytest.mark.parametrize(
    ("value", "status"),
    [(None, None), ({}, ""), ({"status": None}, ""), ({"status": "Analyzing", "_id": "x"}, "Analyzing")],
)
def test_a_missing_video_and_a_missing_status_differ(value: object, status: str | None) -> None:
    assert client(says(value)).status(VIDEO) == status


@pytest.mark.parametrize("value", [None, {}, {"success": "true"}, {"success": 1}, []])
def test_a_status_write_is_done_only_when_it_says_so(value: object) -> None:
    with pytest.raises(Retryable):
        client(says(value)).set_status(VIDEO, "Transcribing")


@pytest.mark.parametrize("value", [None, {}, {"success": True}])
def test_a_url_write_needs_no_more_than_success(value: object) -> None:
    client(says(value)).set_urls(VIDEO, {"transcript_url": "gs://b/o"})


def test_no_success_means_no_such_video() -> None:
    with pytest.raises(RecordNotFound, match=VIDEO):
        client(says({"success": False})).set_status(VIDEO, "Transcribing")
    with pytest.raises(RecordNotFound, match=VIDEO):
        client(says({"success": False})).set_urls(VIDEO, {})


def test_an_unknown_url_key_is_never_sent() -> None:
    recorder = Recorder()
    with pytest.raises(ValueError, match="unknown URL key srt_url"):
        client(recorder).set_urls(VIDEO, {"transcript_url": "gs://b/o", "srt_url": "gs://b/srt"})
    assert recorder.requests == []


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.WriteTimeout("slow"),
        httpx.PoolTimeout("busy"),
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("hung up"),
        httpx.ProxyError("proxy"),
        httpx.DecodingError("gzip"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_may_be_tried_again(error: httpx.RequestError) -> None:
    with pytest.raises(Retryable, match=type(error).__name__) as raised:
        client(raises(error)).status(VIDEO)
    assert raised.value.code == "network_unavailable"


@pytest.mark.parametrize(
    "url", ["", "made-up.convex.cloud", "ftp://convex", "https://", "http://host:port", "wss://x"]
)
def test_a_url_that_can_not_be_one_stops_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="CONVEX_URL"):
        ConvexVideos(url)


@pytest.mark.parametrize("key", ["two\nlines", "prod:naïve", "tab\there", "nul\0"])
def test_a_key_that_no_header_can_hold_stops_the_start_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="CONVEX_DEPLOY_KEY") as refused:
        ConvexVideos(URL, key)
    assert key not in str(refused.value)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Accepts connections into its backlog and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.local_cloud
def test_a_server_that_never_answers_is_given_up_in_time(silent_server: str) -> None:
    videos = ConvexVideos(silent_server, timeout_s=0.05)
    with pytest.raises(Retryable, match="ReadTimeout"):
        videos.status(VIDEO)
    videos.close()


def test_our_timeouts_hold_whatever_client_was_given() -> None:
    recorder = Recorder()
    http = httpx.Client(transport=httpx.MockTransport(recorder), timeout=3600)
    ConvexVideos(URL, http=http, timeout_s=7, connect_timeout_s=2).status(VIDEO)
    assert recorder.requests[0].extensions["timeout"] == {"connect": 2, "read": 7, "write": 7, "pool": 7}


@pytest.mark.local_cloud
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_on_this_machine_is_asked_without_a_proxy(
    silent_server: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    videos = ConvexVideos(silent_server.replace("127.0.0.1", host), timeout_s=0.05)
    with pytest.raises(Retryable, match="ReadTimeout"):
        videos.status(VIDEO)
    videos.close()
