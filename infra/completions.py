"""The completion topic as any other service sees it: a subscription of one's own, a stream of outcomes."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from google.cloud import pubsub_v1
from google.protobuf.duration_pb2 import Duration

EXPIRES_S = 86_400


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The terminal events that arrive while the subscription exists."""

    arrived: "SimpleQueue[dict[str, Any]]"

    def next(self, timeout_s: float) -> dict[str, Any] | None:
        """The next event's body with its attributes under `_attributes`, or None when none came in time."""
        try:
            return self.arrived.get(timeout=timeout_s)
        except Empty:
            return None


@contextmanager
def outcomes(client: pubsub_v1.SubscriberClient, project: str, topic: str) -> Iterator[Outcomes]:
    """Subscribe for the length of the block; a subscription left behind by a crash expires in a day."""
    subscription = client.subscription_path(project, f"klipscribe-wait-{uuid.uuid4().hex[:12]}")
    arrived: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def take(message: Any) -> None:
        arrived.put({**json.loads(message.data), "_attributes": dict(message.attributes)})
        message.ack()

    client.create_subscription(
        request={
            "name": subscription,
            "topic": f"projects/{project}/topics/{topic}",
            "expiration_policy": {"ttl": Duration(seconds=EXPIRES_S)},
        }
    )
    stream = client.subscribe(subscription, take)
    try:
        yield Outcomes(arrived)
    finally:
        stream.cancel()
        stream.result()
        client.delete_subscription(subscription=subscription)
