"""The rules of the service on names and values.

Sources: the resources Topic, Subscription and PubsubMessage of the Pub/Sub API, and its page on quotas.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from infra.local.pubsub.model import InvalidArgument, Message, SubscriptionConfig

MAX_REQUEST_BYTES = 10_000_000
MAX_REQUEST_MESSAGES = 1000
MAX_ATTRIBUTES = 100
MAX_KEY_BYTES = 256
MAX_VALUE_BYTES = 1024
MAX_ORDERING_KEY_BYTES = 1024
ACK_DEADLINE_S = (10, 600)
BACKOFF_S = (0, 600)
ATTEMPTS = (5, 100)

_ID = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")


def check_name(name: str, kind: str) -> None:
    """Raise InvalidArgument unless the name is projects/P/`kind`/ID with an id of 3 to 255 characters."""
    parts = name.split("/")
    if len(parts) != 4 or parts[0] != "projects" or not parts[1] or parts[2] != kind:
        raise InvalidArgument(f"{name!r} is not of the form projects/PROJECT/{kind}/ID")
    if not _ID.fullmatch(parts[3]):
        raise InvalidArgument(f"{parts[3]!r} is no valid id: 3 to 255 characters, the first a letter")


def check_subscription(config: SubscriptionConfig) -> None:
    """Raise InvalidArgument when a value is out of its range."""
    check_name(config.name, "subscriptions")
    check_name(config.topic, "topics")
    check_range("ack deadline", config.ack_deadline_s, ACK_DEADLINE_S)
    if config.retry is not None:
        check_range("minimum backoff", config.retry.minimum_s, BACKOFF_S)
        check_range("maximum backoff", config.retry.maximum_s, BACKOFF_S)
        if config.retry.minimum_s > config.retry.maximum_s:
            raise InvalidArgument("minimum backoff is above maximum backoff")
    if config.dead_letter is not None:
        check_name(config.dead_letter.topic, "topics")
        check_range("max delivery attempts", config.dead_letter.max_attempts, ATTEMPTS)
    if config.push is not None:
        check_endpoint(config.push.endpoint)


def check_endpoint(url: str) -> None:
    """Raise InvalidArgument unless something can be posted to the URL."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument(f"push endpoint {url!r} is no http or https URL")


def check_range(what: str, value: float, bounds: tuple[float, float]) -> None:
    """Raise InvalidArgument unless the value lies within the bounds."""
    if not bounds[0] <= value <= bounds[1]:
        raise InvalidArgument(f"{what} is {value:g}, expected {bounds[0]} to {bounds[1]}")


def check_messages(messages: Sequence[Message]) -> None:
    """Raise InvalidArgument unless the messages may be published in one request."""
    if not 0 < len(messages) <= MAX_REQUEST_MESSAGES:
        raise InvalidArgument(f"{len(messages)} messages in a request, expected 1 to {MAX_REQUEST_MESSAGES}")
    size_bytes = sum(message.size_bytes for message in messages)
    if size_bytes > MAX_REQUEST_BYTES:
        raise InvalidArgument(f"request has {size_bytes} bytes, expected at most {MAX_REQUEST_BYTES}")
    for message in messages:
        _check_message(message)


def _check_message(message: Message) -> None:
    if not message.data and not message.attributes:
        raise InvalidArgument("a message needs data or at least one attribute")
    check_range("number of attributes", len(message.attributes), (0, MAX_ATTRIBUTES))
    check_range("bytes of the ordering key", len(message.ordering_key.encode()), (0, MAX_ORDERING_KEY_BYTES))
    for key, value in message.attributes.items():
        check_range("bytes of an attribute's key", len(key.encode()), (1, MAX_KEY_BYTES))
        check_range("bytes of an attribute's value", len(value.encode()), (0, MAX_VALUE_BYTES))
        if key.startswith("goog"):
            raise InvalidArgument("the key of an attribute must not start with goog")
