"""core.ports.Publisher, over memory and over Google's client against a broker that speaks its protocol."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud import pubsub_v1

from core.errors import Retryable
from core.events import COMPLETED, Event
from core.ports import Publisher
from infra.local.memory import MemoryPublisher
from infra.local.pubsub import PubSubEmulator
from infra.pubsub import PubSubPublisher, message_of, publisher_client, subscriber_client
from infra.subscribe import subscribed

PROJECT = "klip"
TOPICS = ("transcription-progress", "transcription-completed")
PATIENCE_S = 15.0


def event(number: int = 1, **changes: Any) -> Event:
    values = {
        "id": f"job/1/{number}",
        "type": COMPLETED,
        "subject": "gs://audio/Grüße 🎧.mp3",
        "time": datetime(2026, 1, 1, 12, 30, tzinfo=UTC),
        "data": {"job_id": "job", "title": "Grüße 🎧", "words_count": number},
        "attributes": {"outcome": "completed", "video_id": "7"},
    }
    return Event(**{**values, **changes})


@dataclass
class Broker:
    """A real broker, the client that publishes and the one that subscribes."""

    publisher: pubsub_v1.PublisherClient
    subscriber: pubsub_v1.SubscriberClient

    def subscriptions(self) -> list[str]:
        return [
            name
            for topic in TOPICS
            for name in self.publisher.list_topic_subscriptions(topic=f"projects/{PROJECT}/topics/{topic}")
        ]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with PubSubEmulator() as emulator, subscriber_client(emulator.host) as subscriber:
        publisher = publisher_client(emulator.host)
        for topic in TOPICS:
            publisher.create_topic(name=f"projects/{PROJECT}/topics/{topic}")
        yield Broker(publisher, subscriber)
        publisher.stop()
        publisher.transport.close()


@dataclass
class Sent:
    """A publisher, and what a subscriber to its topics sees: the body and the attributes."""

    publisher: Publisher
    next: Callable[[], tuple[dict[str, Any], dict[str, str]]]


def in_memory() -> Sent:
    publisher, read = MemoryPublisher(), iter(range(100))

    def next_one() -> tuple[dict[str, Any], dict[str, str]]:
        attributes, body = message_of(publisher.published[next(read)][1])
        return json.loads(body), attributes

    return Sent(publisher, next_one)


@pytest.fixture(params=["memory", pytest.param("pubsub", marks=pytest.mark.local_cloud)])
def sent(request: pytest.FixtureRequest) -> Iterator[Sent]:
    if request.param == "memory":
        yield in_memory()
        return
    broker: Broker = request.getfixturevalue("broker")
    with subscribed(broker.subscriber, PROJECT, *TOPICS) as stream:

        def next_one() -> tuple[dict[str, Any], dict[str, str]]:
            body = stream.next(PATIENCE_S)
            assert body is not None, "nothing arrived"
            attributes = body.pop("_attributes")
            return body, attributes

        yield Sent(PubSubPublisher(PROJECT, broker.publisher), next_one)


def test_an_event_arrives_as_a_cloud_event_in_binary_mode(sent: Sent) -> None:
    sent.publisher.publish(TOPICS[0], event())
    body, attributes = sent.next()
    assert body == event().data
    assert attributes == {
        "ce-id": "job/1/1",
        "ce-type": COMPLETED,
        "ce-source": "klipscribe",
        "ce-subject": "gs://audio/Grüße 🎧.mp3",
        "ce-time": "2026-01-01T12:30:00+00:00",
        "ce-specversion": "1.0",
        "content-type": "application/json",
        "outcome": "completed",
        "video_id": "7",
    }


def test_events_of_several_topics_come_in_one_stream(sent: Sent) -> None:
    for number, topic in enumerate(TOPICS):
        sent.publisher.publish(topic, event(number))
    assert {sent.next()[0]["words_count"] for _ in TOPICS} == {0, 1}


def test_a_value_too_long_for_an_attribute_is_clipped_between_characters(sent: Sent) -> None:
    name = "ü" * 1000
    sent.publisher.publish(TOPICS[0], event(subject=f"g{name}", data={"audio_uri": name}))
    body, attributes = sent.next()
    assert attributes["ce-subject"] == f"g{'ü' * 511}"
    assert body["audio_uri"] == name


def test_an_attribute_of_exactly_the_limit_is_whole(sent: Sent) -> None:
    sent.publisher.publish(TOPICS[0], event(subject="x" * 1024))
    assert sent.next()[1]["ce-subject"] == "x" * 1024


def test_an_empty_attribute_is_left_out(sent: Sent) -> None:
    sent.publisher.publish(TOPICS[0], event(attributes={"video_id": "", "code": "empty"}))
    attributes = sent.next()[1]
    assert "video_id" not in attributes
    assert attributes["code"] == "empty"


def test_an_attribute_can_not_pass_for_the_event_s_own(sent: Sent) -> None:
    sent.publisher.publish(TOPICS[0], event(attributes={"ce-id": "another"}))
    assert sent.next()[1]["ce-id"] == "job/1/1"


@pytest.mark.local_cloud
def test_a_topic_that_is_not_there_is_named_and_retryable(broker: Broker) -> None:
    with pytest.raises(Retryable, match=r"topic nowhere-to-be-found: .*NotFound"):
        PubSubPublisher(PROJECT, broker.publisher).publish("nowhere-to-be-found", event())


@pytest.mark.local_cloud
def test_subscribing_to_a_topic_that_is_not_there_leaves_nothing_behind(broker: Broker) -> None:
    with ExitStack() as stack, pytest.raises(Retryable, match=r"topic nowhere-to-be-found: .*NotFound"):
        stack.enter_context(subscribed(broker.subscriber, PROJECT, TOPICS[0], "nowhere-to-be-found"))
    assert broker.subscriptions() == []


@pytest.mark.local_cloud
def test_subscriptions_end_with_the_block_even_when_it_fails(broker: Broker) -> None:
    with suppress(KeyError), subscribed(broker.subscriber, PROJECT, *TOPICS):
        assert len(broker.subscriptions()) == 2
        raise KeyError
    assert broker.subscriptions() == []


@pytest.mark.local_cloud
def test_a_quiet_topic_gives_nothing_in_time(broker: Broker) -> None:
    with subscribed(broker.subscriber, PROJECT, TOPICS[0]) as stream:
        assert stream.next(0.01) is None
