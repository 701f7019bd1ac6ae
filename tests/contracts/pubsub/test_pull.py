import queue
from typing import Any

import pytest

from tests.contracts.pubsub.cloud import PATIENCE_S, Cloud, bodies

pytestmark = pytest.mark.local_cloud


def test_a_published_message_arrives_as_it_was_sent(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic)
    message_id = cloud.publisher.publish(topic, b"hello", video="7").result(timeout=PATIENCE_S)

    message = cloud.one(subscription).message

    assert (message.data, dict(message.attributes)) == (b"hello", {"video": "7"})
    assert message.message_id == message_id
    assert message.publish_time.timestamp() > 1_700_000_000


def test_every_subscription_gets_its_own_copy(cloud: Cloud) -> None:
    topic = cloud.topic()
    first, second = cloud.subscribe(topic), cloud.subscribe(topic)
    cloud.publish(topic, b"news")
    cloud.ack(first, cloud.one(first))

    assert bodies(cloud.pull(second)) == [b"news"]


def test_a_message_from_before_the_subscription_is_not_delivered(cloud: Cloud) -> None:
    topic = cloud.topic()
    cloud.publish(topic, b"before")
    subscription = cloud.subscribe(topic)
    cloud.publish(topic, b"after")

    assert bodies(cloud.pull(subscription)) == [b"after"]


def test_an_acknowledged_message_is_not_delivered_again(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, ack_deadline_seconds=10)
    cloud.publish(topic, b"once")
    cloud.ack(subscription, cloud.one(subscription))

    assert cloud.pull(subscription, patience_s=cloud.outside_s(12)) == []


def test_many_big_messages_come_in_parts_that_a_client_can_receive(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic)
    for _ in range(4):
        cloud.publish(topic, b"x" * 1_500_000)

    assert [len(body) for body in bodies(cloud.pull(subscription, wanted=4))] == [1_500_000] * 4


def test_a_filter_lets_only_matching_messages_through(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(
        topic, filter='attributes.outcome = "failed" AND hasPrefix(attributes.code, "engine_")'
    )
    cloud.publish(topic, b"no", outcome="failed", code="empty")
    cloud.publish(topic, b"no", outcome="completed")
    cloud.publish(topic, b"yes", outcome="failed", code="engine_failed")

    assert bodies(cloud.pull(subscription)) == [b"yes"]


def test_messages_of_one_key_come_in_order(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, enable_message_ordering=True)
    sent = [str(number).encode() for number in range(20)]
    for body in sent:
        cloud.publish(topic, body, ordering_key="video-7")

    received: list[bytes] = []
    while len(received) < len(sent):
        batch = cloud.pull(subscription)
        cloud.ack(subscription, *batch)
        received += bodies(batch)

    assert received == sent


def test_a_streaming_subscriber_receives_and_acknowledges(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic)
    inbox: queue.Queue[Any] = queue.Queue()
    listening = cloud.subscriber.subscribe(subscription, callback=inbox.put)
    sent = {str(number).encode() for number in range(50)}
    cloud.publish(topic, *sent)

    messages = [inbox.get(timeout=PATIENCE_S) for _ in sent]
    for message in messages:
        message.ack()

    assert {message.data for message in messages} == sent
    assert {message.delivery_attempt for message in messages} == {None}
    assert not listening.done()
    listening.cancel()
    listening.result(timeout=PATIENCE_S)
