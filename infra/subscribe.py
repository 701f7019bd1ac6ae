"""A topic as any other service sees it: a subscription of one's own, a stream of events."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from google.api_core import exceptions as api
from google.cloud import pubsub_v1
from google.protobuf.duration_pb2 import Duration

from core.errors import Retryable

EXPIRES_S = 86_400


@dataclass(frozen=True, slots=True)
class Stream:
    """The events that arrive while the subscription exists."""

    arrived: "SimpleQueue[dict[str, Any]]"

    def next(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event's body with its attributes under `_attributes`, or None when none came in time."""
        try:
            return self.arrived.get(timeout=timeout_s)
        except Empty:
            return None


@contextmanager
def subscribed(client: pubsub_v1.SubscriberClient, project: str, *topics: str) -> Iterator[Stream]:
    """Subscribe to topics for the length of the block, into one stream.

    Raises:
        Retryable: a topic is not there, or Pub/Sub can't be reached.
    """
    arrived: SimpleQueue[dict[str, Any]] = SimpleQueue()
    with ExitStack() as stack:
        for topic in topics:
            stack.enter_context(_one_topic(client, project, topic, arrived))
        yield Stream(arrived)


@contextmanager
def _one_topic(
    client: pubsub_v1.SubscriberClient, project: str, topic: str, arrived: "SimpleQueue[dict[str, Any]]"
) -> Iterator[None]:
    """One subscription; where a crash leaves it behind, it expires in a day."""
    subscription = client.subscription_path(project, f"klipscribe-wait-{uuid.uuid4().hex[:12]}")

    def take(message: Any) -> None:
        arrived.put({**json.loads(message.data), "_attributes": dict(message.attributes)})
        message.ack()

    request = {
        "name": subscription,
        "topic": f"projects/{project}/topics/{topic}",
        "expiration_policy": {"ttl": Duration(seconds=EXPIRES_S)},
    }
    try:
        client.create_subscription(request=request)
    except (api.GoogleAPICallError, api.RetryError) as error:
        raise Retryable(f"topic {topic}: subscribing ended with {type(error).__name__}") from error
    stream = client.subscribe(subscription, take)
    try:
        yield
    finally:
        stream.cancel()
        try:
            stream.result()
        finally:
            client.delete_subscription(subscription=subscription)
