"""Topics, subscriptions and the way of messages between them, without any protocol."""

import asyncio
from collections.abc import Hashable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from infra.local.pubsub import limits
from infra.local.pubsub.clock import ScaledClock
from infra.local.pubsub.model import (
    DELETED_TOPIC,
    AlreadyExists,
    DeadLetter,
    Delivery,
    Message,
    NotFound,
    PushTarget,
    SubscriptionConfig,
)
from infra.local.pubsub.subscription import Subscription


class Signal:
    """Wakes everyone who waits for it; whoever comes later waits for the next one."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_s: float | None = None) -> None:
        """Return when notified, or when the time is over."""
        # Not wait_for: before Python 3.12 it swallows a cancellation that meets the notification.
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()


@dataclass(slots=True, eq=False)
class Live:
    """A subscription at work: its queue, the resource as the API shows it, and a signal of changes."""

    queue: Subscription
    resource: Any
    changed: Signal = field(default_factory=Signal)
    deleted: bool = False


class Broker:
    """All state of the emulator. Used from one event loop only."""

    def __init__(self, clock: ScaledClock) -> None:
        self.clock = clock
        self.topics: dict[str, Any] = {}
        self.subscriptions: dict[str, Live] = {}
        self.changed = Signal()
        self._message_ids = count(1)

    def create_topic(self, name: str, resource: Any) -> None:
        """Add a topic. Raises AlreadyExists, InvalidArgument."""
        limits.check_name(name, "topics")
        if name in self.topics:
            raise AlreadyExists(f"topic {name} exists")
        self.topics[name] = resource
        self._note_dead_letter_topics()

    def topic(self, name: str) -> Any:
        """The resource of a topic. Raises NotFound."""
        if name not in self.topics:
            raise NotFound(f"no topic {name}")
        return self.topics[name]

    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions keep what they hold. Raises NotFound."""
        self.topic(name)
        del self.topics[name]
        for live in self.of_topic(name):
            live.queue.config = replace(live.queue.config, topic=DELETED_TOPIC)
            live.resource.topic = DELETED_TOPIC
        self._note_dead_letter_topics()

    def of_topic(self, name: str) -> list[Live]:
        """The subscriptions of a topic."""
        return [live for live in self.subscriptions.values() if live.queue.config.topic == name]

    def create_subscription(self, config: SubscriptionConfig, resource: Any) -> None:
        """Add a subscription; it gets what is published from now on.

        Raises:
            AlreadyExists, InvalidArgument: the name is taken, a value is out of range.
            NotFound: the topic or the dead-letter topic is missing.
        """
        limits.check_subscription(config)
        if config.name in self.subscriptions:
            raise AlreadyExists(f"subscription {config.name} exists")
        self.topic(config.topic)
        if config.dead_letter is not None:
            self.topic(config.dead_letter.topic)
        self.subscriptions[config.name] = Live(Subscription(config), resource)
        self.changed.notify()

    def subscription(self, name: str) -> Live:
        """A subscription by its name. Raises NotFound."""
        if name not in self.subscriptions:
            raise NotFound(f"no subscription {name}")
        return self.subscriptions[name]

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription and all that it holds. Raises NotFound."""
        live = self.subscription(name)
        del self.subscriptions[name]
        live.deleted = True
        self._notify(live)

    def set_push(self, name: str, push: PushTarget | None) -> None:
        """Push to another endpoint, or with None no more. Raises NotFound, InvalidArgument."""
        live = self.subscription(name)
        if push is not None:
            limits.check_endpoint(push.endpoint)
        live.queue.config = replace(live.queue.config, push=push)
        self._notify(live)

    def publish(self, topic: str, messages: Sequence[Message]) -> list[str]:
        """Hand messages to all subscriptions of a topic; their ids. Raises NotFound, InvalidArgument."""
        self.topic(topic)
        limits.check_messages(messages)
        return self._publish(topic, messages)

    def pull(
        self, live: Live, limit: int, *, holder: Hashable = None, lease_s: float | None = None
    ) -> list[Delivery]:
        """Lease messages, as Subscription.pull does."""
        now = self.clock.now_s()
        self._advance(live, now)
        deliveries = live.queue.pull(now, limit, holder=holder, lease_s=lease_s)
        if deliveries:
            self.changed.notify()
        return deliveries

    def acknowledge(self, name: str, ack_ids: Iterable[str]) -> None:
        """Settle messages; ids of leases that are over are ignored. Raises NotFound."""
        live = self.subscription(name)
        for ack_id in ack_ids:
            live.queue.acknowledge(ack_id, self.clock.now_s())
        self.settle(live)

    def modify_deadline(self, name: str, ack_ids: Iterable[str], seconds: float) -> None:
        """Move the ends of leases; zero seconds is a nack. Raises NotFound, InvalidArgument."""
        live = self.subscription(name)
        limits.check_range("ack deadline", seconds, (0, limits.ACK_DEADLINE_S[1]))
        for ack_id in ack_ids:
            live.queue.modify_deadline(ack_id, seconds, self.clock.now_s())
        self.settle(live)

    def settle(self, live: Live) -> None:
        """Publish what was given up, and wake everyone who waits for a change of the subscription."""
        policy = live.queue.config.dead_letter
        for letter in live.queue.take_dead_letters():
            assert policy is not None  # noqa: S101 - only a policy gives messages up
            self._publish(policy.topic, [_as_dead_letter(letter, live.queue.config.name)])
        self._notify(live)

    async def keep_time(self) -> None:
        """End leases and delays when their time comes. Runs until cancelled."""
        while True:
            now = self.clock.now_s()
            for live in list(self.subscriptions.values()):
                self._advance(live, now)
            changes = [live.queue.next_change() for live in self.subscriptions.values()]
            soonest = min((change for change in changes if change is not None), default=None)
            wait_s = None if soonest is None else max(0.0, self.clock.outside_s(soonest - self.clock.now_s()))
            await self.changed.wait(wait_s)

    def _advance(self, live: Live, now: float) -> None:
        """Settle only what has changed: receivers that woke each other for nothing would never rest."""
        due = live.queue.next_change()
        if due is not None and due <= now:
            live.queue.advance(now)
            self.settle(live)

    def _publish(self, topic: str, messages: Sequence[Message]) -> list[str]:
        stored = [
            replace(message, message_id=str(next(self._message_ids)), publish_time_s=self.clock.wall_s())
            for message in messages
        ]
        for live in self.of_topic(topic):
            for message in stored:
                live.queue.publish(message)
            self._notify(live)
        return [message.message_id for message in stored]

    def _notify(self, live: Live) -> None:
        live.changed.notify()
        self.changed.notify()

    def _note_dead_letter_topics(self) -> None:
        for live in self.subscriptions.values():
            policy = live.queue.config.dead_letter
            live.queue.can_dead_letter = policy is None or policy.topic in self.topics


def _as_dead_letter(letter: DeadLetter, subscription: str) -> Message:
    """The message as it is published again, with the attributes that say where it comes from."""
    _, project, _, name = subscription.split("/")
    published = datetime.fromtimestamp(letter.message.publish_time_s, UTC)
    source = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(letter.attempts),
        "CloudPubSubDeadLetterSourceSubscription": name,
        "CloudPubSubDeadLetterSourceSubscriptionProject": project,
        "CloudPubSubDeadLetterSourceTopicPublishTime": published.isoformat(timespec="milliseconds"),
    }
    return replace(letter.message, attributes={**letter.message.attributes, **source})
