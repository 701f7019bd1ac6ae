import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.audio import AudioObject
from core.errors import MalformedMessage
from core.events import REQUESTED, job_of
from handlers.envelope import FINALIZED, Delivery, audio_of, parse
from tests.payloads import Payload, payload

AUDIO = AudioObject(
    bucket="klipstream-vods-raw",
    name="2434635255/audio_2434635255.mp3",
    generation=1795473005907105,
    size_bytes=3,
    content_type="audio/mpeg",
    metadata={"video_id": "2434635255", "language": "en"},
)
UPLOAD = payload("storage_finalize")


def parsed(request: Payload) -> Delivery:
    return parse(request.headers, request.raw)


@pytest.mark.parametrize(
    "name",
    [
        "storage_finalize",
        "storage_finalize_again",
        "storage_finalize_dead_letter",
        "eventarc_storage_finalized",
        "eventarc_message_published",
    ],
)
def test_an_upload_names_the_same_audio_whichever_way_it_is_told(name: str) -> None:
    delivery = parsed(payload(name))
    assert delivery.type == FINALIZED
    assert audio_of(delivery) == AUDIO


@pytest.mark.parametrize("name", ["requested", "requested_dead_letter", "requested_unwrapped"])
def test_our_own_event_is_the_same_wrapped_and_unwrapped(name: str) -> None:
    delivery = parsed(payload(name))
    assert delivery.type == REQUESTED
    assert delivery.id == f"{AUDIO.job_id}/1/requested"
    assert delivery.job_id == AUDIO.job_id
    assert job_of(delivery.data).audio == AUDIO


@pytest.mark.parametrize(
    ("name", "attempt"),
    [("storage_finalize", 1), ("storage_finalize_again", 2), ("eventarc_message_published", 1)],
)
def test_the_delivery_attempt_is_kept(name: str, attempt: int) -> None:
    assert parsed(payload(name)).attempt == attempt


def test_an_unwrapped_push_tells_its_attempt_in_a_header() -> None:
    request = payload("requested_unwrapped")
    headers = {**request.headers, "x-goog-pubsub-delivery-attempt": "7"}
    assert parse(headers, request.raw).attempt == 7


def test_a_header_that_the_server_drops_for_its_underscore_leaves_the_job_known() -> None:
    request = payload("requested_unwrapped")
    del request.headers["job_id"]
    assert parsed(request).job_id == AUDIO.job_id


def test_a_dead_letter_tells_who_gave_it_up() -> None:
    delivery = parsed(payload("requested_dead_letter"))
    assert (delivery.dead_letter_source, delivery.dead_letter_deliveries) == ("transcribe", 5)


def test_an_ordinary_delivery_is_nobodys_dead_letter() -> None:
    delivery = parsed(UPLOAD)
    assert (delivery.dead_letter_source, delivery.dead_letter_deliveries) == ("", 0)


def test_a_removal_speaks_of_no_audio() -> None:
    delivery = parsed(payload("storage_delete"))
    assert delivery.type == "storage.OBJECT_DELETE"
    assert audio_of(delivery) is None


def test_the_names_of_headers_are_read_in_any_case() -> None:
    request = payload("requested_unwrapped")
    assert (
        parse({key.title(): value for key, value in request.headers.items()}, request.raw).type == REQUESTED
    )


def test_a_message_without_an_id_of_ours_has_that_of_pubsub() -> None:
    assert parsed(UPLOAD).id == "1"


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
HUGE = b'{"a":' + b"9" * 5000 + b"}"

MALFORMED: dict[str, tuple[dict[str, str], bytes]] = {
    "an empty body": ({}, b""),
    "NUL bytes": ({}, b"\0\0\0"),
    "no JSON": ({}, b"{"),
    "JSON in UTF-16": ({}, json.dumps(UPLOAD.body).encode("utf-16")),
    "nesting beyond the stack": ({}, DEEP),
    "a number of 5000 digits": ({}, HUGE),
    "no number": ({}, UPLOAD.carrying(b'{"a": NaN}').raw),
    "a number beyond a double": ({}, UPLOAD.carrying(b'{"a": 1e999}').raw),
    "a list": ({}, b"[]"),
    "no message": ({}, b"{}"),
    "a message that is a string": ({}, b'{"message": "data"}'),
    "attributes that are a list": ({}, UPLOAD.with_message(attributes=["ce-type"]).raw),
    "an attribute that is an object": ({}, UPLOAD.with_message(attributes={"ce-type": {}}).raw),
    "no data": ({}, UPLOAD.with_message(data=None).raw),
    "empty data": ({}, UPLOAD.with_message(data="").raw),
    "data that is no string": ({}, UPLOAD.with_message(data=7).raw),
    "data that is not base64": ({}, UPLOAD.with_message(data="%%%%").raw),
    "data that is beyond ASCII": ({}, UPLOAD.with_message(data="dätä").raw),
    "data that is no JSON": ({}, UPLOAD.carrying(b"ID3").raw),
    "data that is a list": ({}, UPLOAD.carrying(b"[1]").raw),
    "data with half a surrogate pair": ({}, UPLOAD.carrying(b'{"name": "\\uD800"}').raw),
    "data with half a surrogate pair in bytes": ({}, UPLOAD.carrying(b'{"name": "\xed\xa0\x80"}').raw),
    "no type": ({}, UPLOAD.with_message(attributes={}).raw),
    "an event without a body": ({"ce-type": REQUESTED, "ce-id": "1", "ce-source": "s"}, b""),
    "an event of an unknown version": (
        {"ce-type": REQUESTED, "ce-id": "1", "ce-source": "s", "ce-specversion": "9"},
        b"{}",
    ),
    "an event without a source": ({"ce-type": REQUESTED, "ce-id": "1", "ce-specversion": "1.0"}, b"{}"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_can_never_be_read_is_malformed(what: str) -> None:
    headers, body = MALFORMED[what]
    with pytest.raises(MalformedMessage):
        parse(headers, body)


@pytest.mark.parametrize(
    "changes",
    [
        {"generation": "seven"},
        {"generation": None},
        {"generation": "-1"},
        {"generation": 1.5},
        {"generation": True},
        {"generation": "9" * 5000},
        {"generation": 2**63},
        {"generation": "١"},
        {"size": "many"},
        {"size": -1},
        {"bucket": ""},
        {"bucket": ["b"]},
        {"name": None},
        {"metadata": ["video_id"]},
        {"metadata": {"video_id": {"nested": 1}}},
    ],
    ids=str,
)
def test_an_upload_with_a_wrong_field_is_malformed(changes: dict[str, Any]) -> None:
    delivery = parsed(UPLOAD.with_data(**changes))
    with pytest.raises(MalformedMessage):
        audio_of(delivery)


@pytest.mark.parametrize("field", ["bucket", "name", "generation"])
def test_an_upload_that_lacks_a_field_is_malformed(field: str) -> None:
    data = {key: value for key, value in UPLOAD.data.items() if key != field}
    with pytest.raises(MalformedMessage):
        audio_of(parsed(UPLOAD.carrying(json.dumps(data).encode())))


def test_the_complaint_shows_nothing_of_the_message() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse({}, b'{"hush": "the transcript"}')
    assert "hush" not in str(caught.value)
    assert "transcript" not in str(caught.value)


@pytest.mark.parametrize("count", ["x", "-1", "9" * 5000, "²"])
def test_a_count_of_deliveries_that_is_none_counts_as_nothing(count: str) -> None:
    request = payload("requested_dead_letter")
    attributes = {**request.body["message"]["attributes"], "CloudPubSubDeadLetterSourceDeliveryCount": count}
    assert parsed(request.with_message(attributes=attributes)).dead_letter_deliveries == 0


@pytest.mark.parametrize("attempt", ["x", "-1", "9" * 5000, "²", ""])
def test_a_delivery_attempt_that_is_none_counts_as_the_first(attempt: str) -> None:
    request = payload("requested_unwrapped")
    assert parse({**request.headers, "x-goog-pubsub-delivery-attempt": attempt}, request.raw).attempt == 1


HEADERS = st.dictionaries(
    st.sampled_from(
        ["ce-type", "ce-id", "ce-source", "ce-specversion", "ce-time", "content-type", "CE-TYPE", "ce-", "x"]
    )
    | st.text(max_size=8),
    st.sampled_from(
        [
            "1.0",
            "0.3",
            REQUESTED,
            FINALIZED,
            "google.cloud.pubsub.x",
            "application/cloudevents+json",
            "text/x",
        ]
    )
    | st.text(max_size=12),
    max_size=7,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "data", "attributes", "deliveryAttempt", "specversion", "eventType"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["ce-type", "eventType", "job_id", "ce-id"]), JSON, max_size=3)


def reads_or_complains(read: Callable[[], object]) -> None:
    try:
        read()
    except MalformedMessage:
        return


@given(HEADERS, st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_request_is_a_delivery_or_malformed(headers: dict[str, str], body: bytes) -> None:
    reads_or_complains(lambda: audio_of(parse(headers, body)))


@given(JSON, ATTRIBUTES | JSON, JSON)
def test_any_message_is_a_delivery_or_malformed(data: Any, attributes: Any, attempt: Any) -> None:
    request = UPLOAD.carrying(json.dumps(data).encode()).with_message(attributes=attributes)
    body = json.dumps({**request.body, "deliveryAttempt": attempt}).encode()
    reads_or_complains(lambda: audio_of(parse({}, body)))


@given(
    st.dictionaries(
        st.sampled_from(["bucket", "name", "generation", "size", "metadata", "contentType"]), JSON, max_size=6
    )
)
def test_any_upload_is_audio_or_malformed(changes: dict[str, Any]) -> None:
    reads_or_complains(lambda: audio_of(parsed(UPLOAD.with_data(**changes))))
