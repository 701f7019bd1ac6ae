"""The topics, subscriptions and buckets, made in a local cloud as the deployment makes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.api_core.exceptions import AlreadyExists, Conflict
from google.cloud import storage
from google.protobuf.duration_pb2 import Duration

from infra.pubsub import publisher_client, subscriber_client

DEAD_LETTER_TOPIC = "transcription-dead-letter"
UPLOADED_TOPIC = "audio-uploaded"
TOPICS = (
    UPLOADED_TOPIC,
    "transcription-requested",
    "transcription-fallback",
    "transcription-progress",
    "transcription-completed",
    DEAD_LETTER_TOPIC,
)


@dataclass(frozen=True, slots=True)
class PushSubscription:
    """One push subscription; no dead-letter policy when max_attempts is None."""

    name: str
    topic: str
    function: str
    ack_deadline_s: int
    max_attempts: int | None


SUBSCRIPTIONS = (
    PushSubscription("ingest", UPLOADED_TOPIC, "ingest", 60, 20),
    PushSubscription("transcribe", "transcription-requested", "transcribe", 600, 20),
    PushSubscription("fallback", "transcription-fallback", "fallback", 600, 10),
    PushSubscription("notify-progress", "transcription-progress", "notify", 60, 100),
    PushSubscription("notify-completed", "transcription-completed", "notify", 60, 100),
    PushSubscription("dead-letter", DEAD_LETTER_TOPIC, "dead_letter", 60, None),
)
FUNCTIONS = ("ingest", "transcribe", "fallback", "notify", "dead_letter")


def create_topics(host: str, project: str) -> None:
    """Make the topics that are missing on the emulator at a host."""
    with publisher_client(host) as publisher:
        for topic in TOPICS:
            try:
                publisher.create_topic(name=publisher.topic_path(project, topic))
            except AlreadyExists:
                continue


def create_subscriptions(
    host: str, project: str, endpoints: Mapping[str, str], backoff_s: tuple[float, float]
) -> None:
    """Make the push subscriptions that are missing.

    Args:
        host: of the emulator.
        project: the project of all names.
        endpoints: the URL of each function.
        backoff_s: the shortest and the longest wait before a message is delivered again.
    """
    with subscriber_client(host) as subscriber:
        for wanted in SUBSCRIPTIONS:
            try:
                subscriber.create_subscription(request=_request(wanted, project, endpoints, backoff_s))
            except AlreadyExists:
                continue


def _request(
    wanted: PushSubscription, project: str, endpoints: Mapping[str, str], backoff_s: tuple[float, float]
) -> dict[str, Any]:
    request = {
        "name": f"projects/{project}/subscriptions/{wanted.name}",
        "topic": f"projects/{project}/topics/{wanted.topic}",
        "push_config": {"push_endpoint": endpoints[wanted.function]},
        "ack_deadline_seconds": wanted.ack_deadline_s,
        "retry_policy": {
            "minimum_backoff": _duration(backoff_s[0]),
            "maximum_backoff": _duration(backoff_s[1]),
        },
    }
    if wanted.max_attempts is None:
        return request
    policy = {
        "dead_letter_topic": f"projects/{project}/topics/{DEAD_LETTER_TOPIC}",
        "max_delivery_attempts": wanted.max_attempts,
    }
    return {**request, "dead_letter_policy": policy}


def create_buckets(client: storage.Client, names: tuple[str, ...]) -> None:
    """Make the buckets that are missing."""
    for name in names:
        try:
            client.create_bucket(name)
        except Conflict:
            continue


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromTimedelta(timedelta(seconds=seconds))
    return duration
