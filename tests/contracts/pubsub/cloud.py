"""A Pub/Sub under test, seen through Google's own clients."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1 import PublisherClient as GapicPublisher

PROJECT = "projects/klip"
PATIENCE_S = 15.0
"""How long a test waits for what must happen. Only a failure takes that long."""


@dataclass
class Cloud:
    """One broker and the clients that talk to it. time_scale is how much faster its clock runs."""

    name: str
    publisher: Any
    subscriber: Any
    time_scale: float = 1.0
    _made: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def outside_s(self, seconds: float) -> float:
        """How long so many seconds of the broker take here."""
        return seconds / self.time_scale

    def name_of(self, kind: str) -> str:
        """A name that no other test uses."""
        return f"{PROJECT}/{kind}/test-{next(self._numbers)}"

    def topic(self) -> str:
        name = self.name_of("topics")
        self.publisher.create_topic(name=name)
        return name

    def subscribe(self, topic: str, **settings: Any) -> str:
        name = self.name_of("subscriptions")
        self.subscriber.create_subscription(request={"name": name, "topic": topic, **settings})
        self._made.append(name)
        return name

    def forget(self) -> None:
        """Delete the subscriptions, so that pushes to a test's endpoint end with the test."""
        while self._made:
            with suppress(exceptions.NotFound):
                self.subscriber.delete_subscription(subscription=self._made.pop())

    def push_to(
        self, topic: str, endpoint: str, no_wrapper: Mapping[str, Any] | None = None, **more: Any
    ) -> str:
        push: dict[str, Any] = {"push_endpoint": endpoint}
        if no_wrapper is not None:
            push["no_wrapper"] = no_wrapper
        return self.subscribe(topic, push_config=push, **more)

    def publish(self, topic: str, *bodies: bytes, ordering_key: str = "", **attributes: str) -> None:
        messages = [{"data": body, "attributes": attributes, "ordering_key": ordering_key} for body in bodies]
        # One request, past the batching of the client, whose own `publish` hides this one.
        GapicPublisher.publish(self.publisher, request={"topic": topic, "messages": messages}, retry=None)

    def pull(self, subscription: str, wanted: int = 1, patience_s: float = PATIENCE_S) -> list[Any]:
        """Received messages, at most `wanted`; fewer when the patience ends before."""
        received: list[Any] = []
        until = time.monotonic() + patience_s
        while len(received) < wanted and (left_s := until - time.monotonic()) > 0:
            received += self._pull_once(subscription, wanted - len(received), left_s)
        return received

    def _pull_once(self, subscription: str, limit: int, timeout_s: float) -> list[Any]:
        request = {"subscription": subscription, "max_messages": limit}
        try:
            return list(
                self.subscriber.pull(request=request, timeout=timeout_s, retry=None).received_messages
            )
        except exceptions.DeadlineExceeded:
            return []

    def one(self, subscription: str) -> Any:
        [received] = self.pull(subscription)
        return received

    def ack(self, subscription: str, *received: Any) -> None:
        ids = [one.ack_id for one in received]
        self.subscriber.acknowledge(request={"subscription": subscription, "ack_ids": ids})

    def set_deadline(self, subscription: str, seconds: int, *received: Any) -> None:
        ids = [one.ack_id for one in received]
        self.subscriber.modify_ack_deadline(
            request={"subscription": subscription, "ack_ids": ids, "ack_deadline_seconds": seconds}
        )

    def nack(self, subscription: str, *received: Any) -> None:
        self.set_deadline(subscription, 0, *received)


def bodies(received: list[Any]) -> list[bytes]:
    return [one.message.data for one in received]


@contextmanager
def connect(name: str, host: str, time_scale: float = 1.0) -> Iterator[Cloud]:
    """Clients that find the broker as every program does: by the variable, which is gone again at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        publisher, subscriber = pubsub_v1.PublisherClient(), pubsub_v1.SubscriberClient()
    yield Cloud(name, publisher, subscriber, time_scale)
    publisher.stop()
    publisher.transport.close()
    subscriber.close()
