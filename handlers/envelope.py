"""Reads what Pub/Sub and Eventarc post: a wrapped push, an unwrapped push, or a storage CloudEvent.

The framework's own CloudEvent signature loses the delivery attempt and answers 400, thus for ever, to what it
cannot read; so the functions take plain requests and this parser.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudevents.exceptions import GenericException
from cloudevents.http import from_http

from core.audio import AudioObject
from core.errors import MalformedMessage

FINALIZED = "google.cloud.storage.object.v1.finalized"
_DEAD_LETTER_SOURCE = "CloudPubSubDeadLetterSourceSubscription"
_DEAD_LETTER_COUNT = "CloudPubSubDeadLetterSourceDeliveryCount"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one message, whichever way it came."""

    type: str
    id: str
    data: Mapping[str, Any]
    attributes: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1

    @property
    def dead_letter_source(self) -> str:
        """The subscription that gave the message up; empty for an ordinary delivery."""
        return self.attributes.get(_DEAD_LETTER_SOURCE, "")

    @property
    def dead_letter_deliveries(self) -> int:
        """How often that subscription tried."""
        count = self.attributes.get(_DEAD_LETTER_COUNT, "")
        return int(count) if count.isdecimal() else 0


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
    try:
        return AudioObject(
            bucket=_text(data, "bucket"),
            name=_text(data, "name"),
            generation=int(data["generation"]),
            size_bytes=int(data.get("size", 0)),
            content_type=str(data.get("contentType") or ""),
            metadata={str(key): str(value) for key, value in (data.get("metadata") or {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MalformedMessage(
            f"the storage event lacks a field or holds a wrong kind of value ({type(error).__name__}); "
            "expected bucket, name and generation"
        ) from error


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data[key]
    if not isinstance(value, str) or not value:
        raise ValueError(key)
    return value


def _wrapped(envelope: Mapping[str, Any]) -> Delivery:
    message = envelope.get("message")
    if not isinstance(message, dict):
        raise MalformedMessage(f"expected a push with an object `message`, found keys {sorted(envelope)[:8]}")
    attributes = message.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise MalformedMessage(f"expected `attributes` to be an object, found {type(attributes).__name__}")
    attributes = {str(key): str(value) for key, value in attributes.items()}
    data = _json_object(_decoded(message.get("data")), "the message's data")
    attempt = envelope.get("deliveryAttempt")
    return Delivery(
        type=_type(attributes),
        id=attributes.get("ce-id") or str(message.get("messageId") or ""),
        data=data,
        attributes=attributes,
        attempt=attempt if isinstance(attempt, int) else 1,
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
    try:
        event = from_http(dict(headers), body, data_unmarshaller=lambda raw: raw)
    except GenericException as error:
        raise MalformedMessage(f"not a CloudEvent: {type(error).__name__}") from error
    attributes = {key: value for key, value in headers.items() if key.startswith("ce-")}
    attempt = headers.get("x-goog-pubsub-delivery-attempt", "")
    return Delivery(
        type=str(event["type"]),
        id=str(event["id"]),
        data=_json_object(event.data or b"", "the event's data"),
        attributes=attributes,
        attempt=int(attempt) if attempt.isdecimal() else 1,
    )


def _json_object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"expected {what} to be JSON, found {len(raw)} bytes that are not") from error
    if not isinstance(value, dict):
        raise MalformedMessage(f"expected {what} to be a JSON object, found {type(value).__name__}")
    return value
