"""Events to Pub/Sub topics, as CloudEvents in binary mode: attributes in the message's, the body as JSON."""

import json
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import grpc
from cloudevents.conversion import to_binary
from cloudevents.http import CloudEvent
from google.api_core import exceptions as api
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from core.errors import Retryable
from core.events import Event

PUBLISH_TIMEOUT_S = 60.0
MAX_ATTRIBUTE_BYTES = 1024
"""Pub/Sub refuses a message with a longer attribute value; an object's name alone may have 1024 bytes."""


def publisher_client(emulator_host: str = "") -> pubsub_v1.PublisherClient:
    """A client of Pub/Sub, or of an emulator at HOST:PORT."""
    if not emulator_host:
        return pubsub_v1.PublisherClient()
    return pubsub_v1.PublisherClient(
        transport=PublisherGrpcTransport(channel=grpc.insecure_channel(emulator_host))
    )


def subscriber_client(emulator_host: str = "") -> pubsub_v1.SubscriberClient:
    """A client of Pub/Sub, or of an emulator at HOST:PORT."""
    if not emulator_host:
        return pubsub_v1.SubscriberClient()
    return pubsub_v1.SubscriberClient(
        transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(emulator_host))
    )


class PubSubPublisher:
    """core.ports.Publisher over google-cloud-pubsub."""

    def __init__(self, project: str, client: pubsub_v1.PublisherClient) -> None:
        self._project = project
        self._client = client

    def publish(self, topic: str, event: Event) -> None:
        """Return once the broker has stored the event."""
        attributes, body = message_of(event)
        path = self._client.topic_path(self._project, topic)
        try:
            self._client.publish(path, body, **attributes).result(timeout=PUBLISH_TIMEOUT_S)
        except (api.GoogleAPICallError, api.RetryError, FutureTimeout) as error:
            raise Retryable(f"topic {topic}: publishing ended with {type(error).__name__}") from error


def message_of(event: Event) -> tuple[dict[str, str], bytes]:
    """The attributes and the body of the message that carries an event."""
    attributes: dict[str, Any] = {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "datacontenttype": "application/json",
    }
    headers, _ = to_binary(CloudEvent(attributes, {}))
    body = json.dumps(event.data, ensure_ascii=False).encode()
    every = {**event.attributes, **headers}
    return {key: _clipped(str(value)) for key, value in every.items() if value}, body


def _clipped(value: str) -> str:
    """The start of a value that a message could not carry whole; the body always has the whole of it."""
    return value.encode()[:MAX_ATTRIBUTE_BYTES].decode(errors="ignore")
