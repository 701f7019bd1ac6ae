"""Reads what Pub/Sub and Eventarc post: a wrapped push, an unwrapped push, or a storage CloudEvent.

The framework's own CloudEvent signature loses the delivery attempt and answers 400, thus for ever, to what it
cannot read; so the functions take plain requests and this parser.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from core.audio import AudioObject
from core.errors import MalformedMessage

STORAGE = "google.cloud.storage."
FINALIZED = f"{STORAGE}object.v1.finalized"
_DEAD_LETTER_SOURCE = "CloudPubSubDeadLetterSourceSubscription"
_DEAD_LETTER_COUNT = "CloudPubSubDeadLetterSourceDeliveryCount"
_MAX_WHOLE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one message, whichever way it came."""

    type: str
    id: str
    data: Mapping[str, Any]
    attributes: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1

    @property
    def job_id(self) -> str:
        """The job that the message names; empty when it names none, as storage's events do."""
        return self.attributes.get("job_id") or _string(self.data.get("job_id"))

    @property
    def is_from_storage(self) -> bool:
        """Whether Cloud Storage sent it, about whatever kind of change."""
        return self.type.startswith((STORAGE, "storage."))

    @property
    def dead_letter_source(self) -> str:
        """The subscription that gave the message up; empty for an ordinary delivery."""
        return self.attributes.get(_DEAD_LETTER_SOURCE, "")

    @property
    def dead_letter_deliveries(self) -> int:
        """How often that subscription tried."""
        return _whole(self.attributes.get(_DEAD_LETTER_COUNT)) or 0


def parse(headers: Mapping[str, str], body: bytes) -> Delivery:
    """Read a request.

    Raises:
        MalformedMessage: with what was found and what was expected; never with the message's content.
    """
    lowered = {key.lower(): value for key, value in headers.items()}
    kind = lowered.get("ce-type", "")
    if kind and not kind.startswith("google.cloud.pubsub."):
        return _cloud_event(lowered, body)
    return _wrapped(_json_object(body, "the request"))


def audio_of(delivery: Delivery) -> AudioObject | None:
    """The audio object that a storage event speaks of; None for other storage events.

    Raises:
        MalformedMessage: the event lacks bucket, name or generation.
    """
    if delivery.type != FINALIZED:
        return None
    data = delivery.data
    bucket, name = _string(data.get("bucket")), _string(data.get("name"))
    generation, size_bytes = _whole(data.get("generation")), _whole(data.get("size", 0))
    if not bucket or not name or generation is None or size_bytes is None:
        raise MalformedMessage(
            "the storage event lacks a field or holds a wrong kind of value; "
            "expected bucket and name, and generation and size as whole numbers"
        )
    return AudioObject(
        bucket=bucket,
        name=name,
        generation=generation,
        size_bytes=size_bytes,
        content_type=_string(data.get("contentType")),
        metadata=_strings(data.get("metadata"), "the storage event's metadata"),
    )


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _strings(value: Any, what: str) -> dict[str, str]:
    """An object of strings; nothing counts as an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise MalformedMessage(f"expected {what} to be an object of strings")
    return value


def _whole(value: Any) -> int | None:
    """A whole number of at most 63 bits; 64-bit numbers travel as strings in Google's JSON."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 19:
        value = int(value)
    return value if type(value) is int and 0 <= value <= _MAX_WHOLE else None


def _wrapped(envelope: Mapping[str, Any]) -> Delivery:
    message = envelope.get("message")
    if not isinstance(message, dict):
        raise MalformedMessage(
            f"expected a push with an object `message`, found {type(message).__name__} "
            f"among {len(envelope)} fields"
        )
    attributes = _strings(message.get("attributes"), "`attributes`")
    data = _json_object(_decoded(message.get("data")), "the message's data")
    return Delivery(
        type=_type(attributes),
        id=attributes.get("ce-id") or _string(message.get("messageId")),
        data=data,
        attributes=attributes,
        attempt=_whole(envelope.get("deliveryAttempt")) or 1,
    )


def _type(attributes: Mapping[str, str]) -> str:
    if "ce-type" in attributes:
        return attributes["ce-type"]
    if attributes.get("eventType") == "OBJECT_FINALIZE":
        return FINALIZED
    if "eventType" in attributes:
        return f"storage.{attributes['eventType']}"
    raise MalformedMessage("expected an attribute `ce-type` or `eventType`, found neither")


def _decoded(data: Any) -> bytes:
    if not isinstance(data, str) or not data:
        raise MalformedMessage("expected `message.data` in base64, found none")
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedMessage("expected `message.data` in base64, found other characters") from error


def _cloud_event(headers: Mapping[str, str], body: bytes) -> Delivery:
    """Binary mode. The cloudevents library lets Python's own errors out of a body that it cannot read."""
    named = headers.get("ce-id") and headers.get("ce-source")
    if not named or headers.get("ce-specversion") != "1.0":
        raise MalformedMessage(
            "expected a CloudEvent 1.0 with ce-id and ce-source, found another version or one of them missing"
        )
    return Delivery(
        type=headers["ce-type"],
        id=headers["ce-id"],
        data=_json_object(body, "the event's data"),
        attributes={key: value for key, value in headers.items() if key.startswith("ce-")},
        attempt=_whole(headers.get("x-goog-pubsub-delivery-attempt")) or 1,
    )


def _json_object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode(), parse_float=_finite, parse_constant=_finite)
        if b"\\ud" in raw.lower():
            # Half a surrogate pair can't be stored or published: every later step would fail on it.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"expected {what} to be JSON, found {len(raw)} bytes that are not") from error
    if not isinstance(value, dict):
        raise MalformedMessage(f"expected {what} to be a JSON object, found {type(value).__name__}")
    return value


def _finite(digits: str) -> float:
    """A number as JSON knows it, so neither NaN nor what overflows a double."""
    number = float(digits)
    if not isfinite(number):
        raise ValueError("not a finite number")
    return number
