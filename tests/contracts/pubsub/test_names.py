from typing import Any

import pytest
from google.api_core import exceptions

from tests.contracts.pubsub.cloud import PROJECT, Cloud, bodies

pytestmark = pytest.mark.local_cloud

NOBODY = f"{PROJECT}/topics/nobody"


def test_a_topic_can_be_made_found_and_deleted(cloud: Cloud) -> None:
    topic = cloud.topic()
    assert cloud.publisher.get_topic(topic=topic).name == topic
    assert topic in [found.name for found in cloud.publisher.list_topics(project=PROJECT)]

    cloud.publisher.delete_topic(topic=topic)

    with pytest.raises(exceptions.NotFound):
        cloud.publisher.get_topic(topic=topic)


def test_a_subscription_can_be_made_found_and_deleted(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic, filter="attributes:video", labels={"team": "klip"})
    found = cloud.subscriber.get_subscription(subscription=subscription)
    assert (found.topic, found.ack_deadline_seconds, found.filter) == (topic, 10, "attributes:video")
    assert dict(found.labels) == {"team": "klip"}
    assert list(cloud.publisher.list_topic_subscriptions(topic=topic)) == [subscription]

    cloud.subscriber.delete_subscription(subscription=subscription)

    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.get_subscription(subscription=subscription)


def test_a_name_can_be_taken_once(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic)
    with pytest.raises(exceptions.AlreadyExists):
        cloud.publisher.create_topic(name=topic)
    with pytest.raises(exceptions.AlreadyExists):
        cloud.subscriber.create_subscription(name=subscription, topic=topic)


def test_an_unknown_topic_is_not_found(cloud: Cloud) -> None:
    with pytest.raises(exceptions.NotFound):
        cloud.publish(NOBODY, b"lost")
    with pytest.raises(exceptions.NotFound):
        cloud.subscribe(NOBODY)
    with pytest.raises(exceptions.NotFound):
        cloud.publisher.delete_topic(topic=NOBODY)


def test_an_unknown_subscription_is_not_found(cloud: Cloud) -> None:
    name = f"{PROJECT}/subscriptions/nobody"
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.pull(subscription=name, max_messages=1)
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.acknowledge(subscription=name, ack_ids=["1"])
    with pytest.raises(exceptions.NotFound):
        cloud.subscriber.subscribe(name, callback=print).result(timeout=15)


def test_an_unknown_dead_letter_topic_is_not_found(cloud: Cloud) -> None:
    with pytest.raises(exceptions.NotFound):
        cloud.subscribe(cloud.topic(), dead_letter_policy={"dead_letter_topic": NOBODY})


@pytest.mark.parametrize(
    "name", [f"{PROJECT}/topics/ab", f"{PROJECT}/topics/1st", f"{PROJECT}/topics/goog-x"]
)
def test_a_name_against_the_rules_is_refused(cloud: Cloud, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publisher.create_topic(name=name)


@pytest.mark.parametrize(
    "settings",
    [
        {"ack_deadline_seconds": 9},
        {"ack_deadline_seconds": 601},
        {"retry_policy": {"minimum_backoff": "601s"}},
        {"retry_policy": {"minimum_backoff": "20s", "maximum_backoff": "10s"}},
        {"filter": 'attributes.a == "b"'},
        {"push_config": {"push_endpoint": "nowhere"}},
    ],
    ids=["deadline-low", "deadline-high", "backoff-high", "backoff-reversed", "filter", "endpoint"],
)
def test_a_setting_out_of_its_range_is_refused(cloud: Cloud, settings: dict[str, Any]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscribe(cloud.topic(), **settings)


@pytest.mark.parametrize("attempts", [4, 101])
def test_delivery_attempts_out_of_their_range_are_refused(cloud: Cloud, attempts: int) -> None:
    policy = {"dead_letter_topic": cloud.topic(), "max_delivery_attempts": attempts}
    with pytest.raises(exceptions.InvalidArgument):
        cloud.subscribe(cloud.topic(), dead_letter_policy=policy)


def test_an_empty_message_is_refused(cloud: Cloud) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(cloud.topic(), b"")


def test_a_message_of_more_than_ten_megabytes_is_refused(cloud: Cloud) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(cloud.topic(), b"x" * 10_000_001)


@pytest.mark.parametrize(
    "attributes",
    [{"k" * 257: "v"}, {"k": "v" * 1025}, {"googclient": "v"}, {f"k{n}": "v" for n in range(101)}],
    ids=["key", "value", "reserved", "number"],
)
def test_attributes_against_the_rules_are_refused(cloud: Cloud, attributes: dict[str, str]) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        cloud.publish(cloud.topic(), b"body", **attributes)


def test_a_subscription_keeps_its_messages_when_its_topic_is_deleted(cloud: Cloud) -> None:
    topic = cloud.topic()
    subscription = cloud.subscribe(topic)
    cloud.publish(topic, b"kept")
    cloud.publisher.delete_topic(topic=topic)

    assert cloud.subscriber.get_subscription(subscription=subscription).topic == "_deleted-topic_"
    assert bodies(cloud.pull(subscription)) == [b"kept"]
