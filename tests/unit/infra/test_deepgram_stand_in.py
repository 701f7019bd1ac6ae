"""The stand-in by itself: its answers have Deepgram's shape, and it says nothing that it was not told."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import pytest
from deepgram.types.listen_v1response import ListenV1Response
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from infra.local.deepgram import make_app
from tests.contracts.deepgram_rig import AUDIO, KEY, WORDS, wav

SENTENCE = Path(__file__).parents[2] / "events" / "deepgram" / "sentence.json"
ALL = {"model": "nova-3", "paragraphs": "true", "utterances": "true"}


@pytest.fixture
def client() -> FlaskClient:
    return make_app({sha256(AUDIO).hexdigest(): WORDS}, KEY).test_client()


def listen(client: FlaskClient, data: bytes, query: dict[str, str] = ALL, key: str = KEY) -> TestResponse:
    return client.post("/v1/listen", query_string=query, data=data, headers={"Authorization": f"Token {key}"})


def shape(node: Any) -> Any:
    """The names and kinds in an answer, without its values; lists by their first entry."""
    if isinstance(node, dict):
        return {key if key.count("-") < 4 else "id": shape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [shape(node[0])] if node else []
    return "number" if isinstance(node, int | float) else type(node).__name__


def test_an_answer_has_the_shape_of_the_documented_one(client: FlaskClient) -> None:
    documented = json.loads(SENTENCE.read_text(encoding="utf-8"))

    assert shape(listen(client, AUDIO).get_json()) == shape(documented)


def test_an_answer_passes_the_types_of_the_sdk(client: FlaskClient) -> None:
    ListenV1Response.model_validate(listen(client, AUDIO).get_json())


def test_paragraphs_and_utterances_hold_every_word_once(client: FlaskClient) -> None:
    results = listen(client, AUDIO).get_json()["results"]
    reading = results["channels"][0]["alternatives"][0]

    assert [word["punctuated_word"] for word in reading["words"]] == ["Hello", "there,", "world."]
    assert [word["word"] for word in reading["words"]] == ["hello", "there", "world"]
    assert reading["paragraphs"]["transcript"] == "\nHello there, world."
    assert [paragraph["num_words"] for paragraph in reading["paragraphs"]["paragraphs"]] == [3]
    assert [utterance["transcript"] for utterance in results["utterances"]] == ["Hello there, world."]


def test_what_was_not_asked_for_is_left_out(client: FlaskClient) -> None:
    results = listen(client, AUDIO, {"model": "nova-3"}).get_json()["results"]

    assert "utterances" not in results
    assert "paragraphs" not in results["channels"][0]["alternatives"][0]


def test_the_metadata_describes_the_audio_that_came(client: FlaskClient) -> None:
    metadata = listen(client, wav(2.5)).get_json()["metadata"]

    assert metadata["sha256"] == sha256(wav(2.5)).hexdigest()
    assert (metadata["duration"], metadata["channels"]) == (2.5, 1)


class OneWay:
    """A pipe: who writes into it can't go back to fill in a duration."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:
        self.data += bytes(data)
        return len(data)


def test_audio_without_a_duration_in_its_header_is_decoded(client: FlaskClient) -> None:
    pipe = OneWay()
    with av.open(pipe, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=8_000, layout="mono")
        for start in (0, 4_000, 8_000):
            frame = av.AudioFrame("s16", "mono", 4_000)
            frame.sample_rate, frame.pts = 8_000, start
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    assert listen(client, pipe.data).get_json()["metadata"]["duration"] == pytest.approx(1.5)


@pytest.mark.parametrize("data", [b"", b"no audio at all", AUDIO[:20]], ids=["empty", "text", "cut header"])
def test_what_is_no_audio_gets_deepgram_s_refusal(client: FlaskClient, data: bytes) -> None:
    answer = listen(client, data)

    assert answer.status_code == 400
    assert set(answer.get_json()) == {"err_code", "err_msg", "request_id"}


@pytest.mark.parametrize("fault", [{"status": 504}, {"mode": "empty"}], ids=["refused", "another's answer"])
def test_what_was_not_heard_is_not_charged(client: FlaskClient, fault: dict[str, Any]) -> None:
    client.post("/_fail", json=fault)
    listen(client, AUDIO)

    assert [call["charged_s"] for call in client.get("/_calls").get_json()] == [0.0]


def test_an_answer_that_is_spoiled_on_its_way_is_charged(client: FlaskClient) -> None:
    client.post("/_fail", json={"mode": "no_channels"})

    assert listen(client, AUDIO).get_json()["results"]["channels"] == []
    assert [call["charged_s"] for call in client.get("/_calls").get_json()] == [4.0]


def test_a_wrong_key_is_turned_away_and_costs_no_planned_failure(client: FlaskClient) -> None:
    client.post("/_fail", json={"status": 503})

    assert listen(client, AUDIO, key="wrong").get_json()["err_code"] == "INVALID_AUTH"
    assert listen(client, AUDIO).status_code == 503
    assert listen(client, AUDIO).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"url": "http://example.com/a.wav"}, {"url": 7}, {}, []],
    ids=["outside", "no text", "none", "list"],
)
def test_a_url_that_leads_off_this_machine_is_not_followed(client: FlaskClient, body: Any) -> None:
    answer = client.post("/v1/listen", json=body, headers={"Authorization": f"Token {KEY}"})

    assert (answer.status_code, answer.get_json()["err_code"]) == (400, "Bad Request")


@pytest.mark.parametrize("fault", [{"mode": "unheard of"}, {"colour": "red"}], ids=["mode", "field"])
def test_an_unknown_way_to_fail_is_an_error_of_the_test(client: FlaskClient, fault: dict[str, str]) -> None:
    assert client.post("/_fail", json=fault).status_code == 400


def test_calls_are_told_without_the_key(client: FlaskClient) -> None:
    listen(client, AUDIO, {"model": "nova-3"})

    told = client.get("/_calls")
    assert told.get_json() == [
        {
            "by": "bytes",
            "query": {"model": "nova-3"},
            "size_bytes": len(AUDIO),
            "status": 200,
            "charged_s": 4.0,
        }
    ]
    assert KEY not in told.text
