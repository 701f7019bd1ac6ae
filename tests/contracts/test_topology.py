"""The topics and subscriptions of the local cloud, as Google's client sees them."""

from datetime import timedelta

import pytest

from infra.local import topology
from infra.local.pubsub import PubSubEmulator
from infra.pubsub import subscriber_client
from tests.contracts.storage import PROJECT

pytestmark = pytest.mark.local_cloud

ENDPOINTS = {name: f"http://127.0.0.1:9/{name}" for name in topology.FUNCTIONS}


def test_the_topology_can_be_made_twice_and_gives_up_as_agreed() -> None:
    with PubSubEmulator() as emulator, subscriber_client(emulator.host) as subscriber:
        for _ in range(2):
            topology.create_topics(emulator.host, PROJECT)
            topology.create_subscriptions(emulator.host, PROJECT, ENDPOINTS, (0.5, 3.0))
        found = {
            one.name.rpartition("/")[2]: one
            for one in subscriber.list_subscriptions(request={"project": f"projects/{PROJECT}"})
        }
    assert {name: one.dead_letter_policy.max_delivery_attempts for name, one in found.items()} == {
        "ingest": 20,
        "transcribe": 20,
        "fallback": 10,
        "notify-progress": 100,
        "notify-completed": 100,
        "dead-letter": 0,
    }
    transcribe = found["transcribe"]
    assert transcribe.push_config.push_endpoint == ENDPOINTS["transcribe"]
    assert transcribe.topic == f"projects/{PROJECT}/topics/transcription-requested"
    assert transcribe.ack_deadline_seconds == 600
    assert transcribe.dead_letter_policy.dead_letter_topic.endswith("/transcription-dead-letter")
    backoff = transcribe.retry_policy
    assert (backoff.minimum_backoff, backoff.maximum_backoff) == (
        timedelta(seconds=0.5),
        timedelta(seconds=3),
    )
