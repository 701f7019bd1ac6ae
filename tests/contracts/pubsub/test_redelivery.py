import time
from datetime import datetime, timedelta

import pytest

from tests.contracts.pubsub.cloud import Cloud, bodies

pytestmark = pytest.mark.local_cloud

SHORTEST_DEADLINE_S = 10


def test_a_nack_brings_the_message_back_at_once(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, ack_deadline_seconds=600)
    cloud.publish(topic, b"again")
    first = cloud.one(subscription)
    cloud.nack(subscription, first)

    second = cloud.one(subscription)

    assert second.message == first.message
    assert second.ack_id != first.ack_id
    assert second.delivery_attempt == 0, "only a dead-letter policy makes the attempts known"


def test_an_unacknowledged_message_comes_back_after_its_deadline(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, ack_deadline_seconds=SHORTEST_DEADLINE_S)
    cloud.publish(topic, b"again")
    started = time.monotonic()
    cloud.one(subscription)

    assert bodies(cloud.pull(subscription)) == [b"again"]
    assert time.monotonic() - started >= cloud.outside_s(SHORTEST_DEADLINE_S) * 0.95


def test_an_extended_lease_keeps_the_message_away(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, ack_deadline_seconds=SHORTEST_DEADLINE_S)
    cloud.publish(topic, b"slow work")
    received = cloud.one(subscription)
    cloud.set_deadline(subscription, 30, received)

    assert cloud.pull(subscription, patience_s=cloud.outside_s(14)) == []
    cloud.ack(subscription, received)
    assert cloud.pull(subscription, patience_s=cloud.outside_s(24)) == []


def test_an_acknowledgement_after_a_redelivery_does_not_settle_the_message(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, ack_deadline_seconds=SHORTEST_DEADLINE_S)
    cloud.publish(topic, b"late")
    late = cloud.one(subscription)
    cloud.nack(subscription, late)
    again = cloud.one(subscription)
    cloud.ack(subscription, late)
    cloud.nack(subscription, again)

    assert bodies(cloud.pull(subscription)) == [b"late"]


def test_a_retry_policy_delays_the_redelivery_more_each_time(cloud: Cloud) -> None:
    topic = cloud.topic()
    retry = {"minimum_backoff": "4s", "maximum_backoff": "8s"}
    subscription = cloud.subscribe(topic, retry_policy=retry, ack_deadline_seconds=600)
    cloud.publish(topic, b"later")

    waits_s = []
    received = cloud.one(subscription)
    for _ in range(3):
        cloud.nack(subscription, received)
        started = time.monotonic()
        received = cloud.one(subscription)
        waits_s.append((time.monotonic() - started) * cloud.time_scale)

    at_least_s = (3.9, 7.9, 7.9)
    assert all(waited >= least for waited, least in zip(waits_s, at_least_s, strict=True)), waits_s


def test_a_message_moves_to_the_dead_letter_topic_after_its_attempts(cloud: Cloud) -> None:
    topic, dead_topic = cloud.topic(), cloud.topic()
    dead = cloud.subscribe(dead_topic)
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    subscription = cloud.subscribe(topic, dead_letter_policy=policy, ack_deadline_seconds=600)
    cloud.publish(topic, b"poison", video="7")

    attempts = []
    for _ in range(5):
        received = cloud.one(subscription)
        attempts.append(received.delivery_attempt)
        cloud.nack(subscription, received)
    assert cloud.pull(subscription, patience_s=0.3) == []
    letter = cloud.one(dead)

    assert attempts == [1, 2, 3, 4, 5]
    assert letter.message.data == b"poison"
    attributes = dict(letter.message.attributes)
    published = attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime")
    assert attributes == {
        "video": "7",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceSubscription": subscription.rsplit("/", 1)[1],
        "CloudPubSubDeadLetterSourceSubscriptionProject": "klip",
    }
    assert datetime.fromisoformat(published) == pytest.approx(
        received.message.publish_time, abs=timedelta(milliseconds=1)
    )


def test_a_nack_brings_back_the_later_messages_of_its_key_in_order(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, enable_message_ordering=True, ack_deadline_seconds=600)
    cloud.publish(topic, b"1", b"2", b"3", ordering_key="video-7")
    first = cloud.pull(subscription, wanted=3)
    cloud.ack(subscription, first[1])
    cloud.nack(subscription, first[0])

    again = cloud.pull(subscription, wanted=3)

    assert bodies(first) == [b"1", b"2", b"3"]
    assert bodies(again) == [b"1", b"2", b"3"]
