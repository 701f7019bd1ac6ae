import base64
import queue
import time

import pytest

from tests.contracts.pubsub.cloud import Cloud, bodies
from tests.contracts.pubsub.endpoint import Endpoint, Push

pytestmark = pytest.mark.local_cloud


def test_a_wrapped_push_carries_the_message_as_json(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    subscription = cloud.push_to(topic, endpoint.url("/targets/ingest/"))
    cloud.publish(topic, b"hello", video="7")

    push = endpoint.next()

    assert push.path == "/targets/ingest/"
    assert push.headers["content-type"] == "application/json"
    assert push.json["subscription"] == subscription
    message = push.json["message"]
    assert base64.b64decode(message["data"]) == b"hello"
    assert message["attributes"] == {"video": "7"}
    assert message["messageId"] == message["message_id"]
    assert message["publishTime"] == message["publish_time"]
    assert message["publishTime"].endswith("Z")
    assert set(push.json) == {"message", "subscription"}


def test_a_wrapped_push_leaves_out_what_the_message_does_not_have(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    cloud.push_to(topic, endpoint.url())
    cloud.publish(topic, b"", only="attributes")

    assert "data" not in endpoint.next().json["message"]


def test_an_unwrapped_push_carries_the_data_and_writes_metadata_as_headers(
    cloud: Cloud, endpoint: Endpoint
) -> None:
    topic = cloud.topic()
    subscription = cloud.push_to(topic, endpoint.url(), no_wrapper={"write_metadata": True})
    attributes = {"ce-type": "com.klipstream.transcription.completed.v1", "content-type": "application/json"}
    cloud.publish(topic, b'{"a": 1}', **attributes)

    push = endpoint.next()

    assert push.body == b'{"a": 1}'
    assert {name: push.headers[name] for name in attributes} == attributes
    assert push.headers["x-goog-pubsub-subscription-name"] == subscription
    assert push.headers["x-goog-pubsub-message-id"]
    assert push.headers["x-goog-pubsub-publish-time"].endswith("Z")


def test_an_unwrapped_push_without_metadata_is_the_data_alone(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    cloud.push_to(topic, endpoint.url(), no_wrapper={"write_metadata": False})
    cloud.publish(topic, b"raw", video="7")

    push = endpoint.next()

    assert push.body == b"raw"
    assert "video" not in push.headers
    assert not [name for name in push.headers if name.startswith("x-goog-pubsub")]


def test_a_message_of_nine_megabytes_passes(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    cloud.push_to(topic, endpoint.url())
    body = b"x" * 9_000_000
    cloud.publish(topic, body)

    assert base64.b64decode(endpoint.next().json["message"]["data"]) == body


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_acknowledges_a_push(cloud: Cloud, endpoint: Endpoint, status: int) -> None:
    endpoint.reply = lambda _push: status
    topic = cloud.topic()
    cloud.push_to(topic, endpoint.url())
    cloud.publish(topic, b"first")
    cloud.publish(topic, b"second")

    received = {base64.b64decode(endpoint.next().json["message"]["data"]) for _ in range(2)}

    assert received == {b"first", b"second"}
    with pytest.raises(queue.Empty):
        endpoint.next(patience_s=0.3 + cloud.outside_s(3))


@pytest.mark.parametrize("status", [203, 302, 400, 429, 500])
def test_any_other_answer_brings_the_push_back(cloud: Cloud, endpoint: Endpoint, status: int) -> None:
    answers = iter([status])
    endpoint.reply = lambda _push: next(answers, 204)
    topic = cloud.topic()
    cloud.push_to(topic, endpoint.url(), ack_deadline_seconds=600)
    cloud.publish(topic, b"again")

    ids = [endpoint.next().json["message"]["messageId"] for _ in range(2)]

    assert len(set(ids)) == 1


def test_a_push_slower_than_its_deadline_comes_again(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    endpoint.reply = lambda _push: 204 if endpoint.done.wait(30) else 500
    cloud.push_to(topic, endpoint.url(), ack_deadline_seconds=10)
    cloud.publish(topic, b"slow")
    first = endpoint.next()
    started = time.monotonic()

    second = endpoint.next()

    assert second.json["message"] == first.json["message"]
    assert time.monotonic() - started >= cloud.outside_s(10) * 0.95


def test_a_push_says_its_attempt_when_there_is_a_dead_letter_policy(cloud: Cloud, endpoint: Endpoint) -> None:
    topic, dead_topic = cloud.topic(), cloud.topic()
    dead = cloud.subscribe(dead_topic)
    endpoint.reply = lambda _push: 500
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    cloud.push_to(topic, endpoint.url(), dead_letter_policy=policy)
    cloud.publish(topic, b"poison")

    attempts = [endpoint.next().json["deliveryAttempt"] for _ in range(5)]

    assert attempts == [1, 2, 3, 4, 5]
    assert bodies(cloud.pull(dead)) == [b"poison"]


def test_a_subscription_whose_endpoint_fails_is_slowed_down_more_and_more(
    cloud: Cloud, endpoint: Endpoint
) -> None:
    endpoint.reply = lambda _push: 500
    topic = cloud.topic()
    cloud.push_to(topic, endpoint.url(), ack_deadline_seconds=600)
    cloud.publish(topic, b"failing")

    times = []
    for _ in range(8):
        endpoint.next()
        times.append(time.monotonic())

    assert times[7] - times[4] > 3 * (times[3] - times[0])


def test_pushes_of_one_key_wait_for_each_other(cloud: Cloud, endpoint: Endpoint) -> None:
    running, overlaps = set[bytes](), list[set[bytes]]()

    def reply(push: Push) -> int:
        running.add(push.body)
        overlaps.extend([set(running)] if len(running) > 1 else [])
        endpoint.done.wait(0.05)
        running.discard(push.body)
        return 204

    endpoint.reply = reply
    topic = cloud.topic()
    cloud.push_to(topic, endpoint.url(), enable_message_ordering=True)
    cloud.publish(topic, b"1", b"2", b"3", b"4", ordering_key="video-7")

    received = [base64.b64decode(endpoint.next().json["message"]["data"]) for _ in range(4)]

    assert received == [b"1", b"2", b"3", b"4"]
    assert overlaps == []


def test_an_endpoint_that_comes_up_late_gets_what_waited(cloud: Cloud, endpoint: Endpoint) -> None:
    topic = cloud.topic()
    subscription = cloud.push_to(topic, "http://127.0.0.1:9/nobody")
    cloud.publish(topic, b"patient")
    cloud.subscriber.modify_push_config(
        subscription=subscription, push_config={"push_endpoint": endpoint.url("/late")}
    )

    assert endpoint.next().path == "/late"
