import asyncio
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from infra.local.pubsub.broker import Broker
from infra.local.pubsub.clock import ScaledClock
from infra.local.pubsub.model import (
    DeadLetterPolicy,
    FailedPrecondition,
    Message,
    NotFound,
    SubscriptionConfig,
)
from infra.local.pubsub.rpc import STATUS

TOPIC, DEAD_TOPIC = "projects/klip/topics/work", "projects/klip/topics/dead"
WORK, DEAD = "projects/klip/subscriptions/work", "projects/klip/subscriptions/dead"


@dataclass(frozen=True, slots=True)
class StillClock(ScaledClock):
    """Stands still at zero, in 1970."""

    def now_s(self) -> float:
        return 0.0

    def wall_s(self) -> float:
        return 0.0


@pytest.fixture
def broker() -> Broker:
    broker = Broker(StillClock())
    for topic in (TOPIC, DEAD_TOPIC):
        broker.create_topic(topic, SimpleNamespace(name=topic))
    policy = DeadLetterPolicy(DEAD_TOPIC, 5)
    broker.create_subscription(
        SubscriptionConfig(WORK, TOPIC, dead_letter=policy), SimpleNamespace(topic=TOPIC)
    )
    broker.create_subscription(SubscriptionConfig(DEAD, DEAD_TOPIC), SimpleNamespace(topic=DEAD_TOPIC))
    return broker


def fail(broker: Broker, times: int) -> None:
    for _ in range(times):
        [delivery] = broker.pull(broker.subscription(WORK), 1)
        broker.modify_deadline(WORK, [delivery.ack_id], 0)


def test_a_dead_letter_says_where_it_comes_from(broker: Broker) -> None:
    broker.publish(TOPIC, [Message(b"poison", {"video": "7"}, "key")])
    fail(broker, 5)
    [letter] = broker.pull(broker.subscription(DEAD), 9)
    assert (letter.message.data, letter.message.ordering_key) == (b"poison", "key")
    assert letter.message.message_id == "2"
    assert letter.message.attributes == {
        "video": "7",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": "work",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "klip",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "1970-01-01T00:00:00.000+00:00",
    }


def test_nothing_is_lost_while_the_dead_letter_topic_is_missing(broker: Broker) -> None:
    broker.publish(TOPIC, [Message(b"poison")])
    broker.delete_topic(DEAD_TOPIC)
    fail(broker, 8)
    broker.create_topic(DEAD_TOPIC, SimpleNamespace(name=DEAD_TOPIC))
    broker.create_subscription(SubscriptionConfig(f"{DEAD}-2", DEAD_TOPIC), SimpleNamespace())
    fail(broker, 1)
    [letter] = broker.pull(broker.subscription(f"{DEAD}-2"), 9)
    assert letter.message.attributes["CloudPubSubDeadLetterSourceDeliveryCount"] == "9"


def test_a_new_topic_of_an_old_name_does_not_feed_old_subscriptions(broker: Broker) -> None:
    broker.delete_topic(TOPIC)
    broker.create_topic(TOPIC, SimpleNamespace(name=TOPIC))
    broker.publish(TOPIC, [Message(b"new")])
    assert broker.pull(broker.subscription(WORK), 9) == []


def test_a_refused_request_publishes_none_of_its_messages(broker: Broker) -> None:
    with pytest.raises(Exception, match="needs data"):
        broker.publish(TOPIC, [Message(b"good"), Message(b"")])
    assert broker.pull(broker.subscription(WORK), 9) == []


def test_a_waiting_receiver_is_woken_by_a_message(broker: Broker) -> None:
    live = broker.subscription(WORK)

    async def scenario() -> int:
        waiting = asyncio.create_task(live.changed.wait())
        await asyncio.sleep(0)
        broker.publish(TOPIC, [Message(b"wake")])
        await asyncio.wait_for(waiting, 5)
        return len(broker.pull(live, 1))

    assert asyncio.run(scenario()) == 1


def test_every_refusal_has_a_status() -> None:
    assert {NotFound, FailedPrecondition} < set(STATUS)
    assert len(STATUS) == len(set(STATUS.values())) == 4
