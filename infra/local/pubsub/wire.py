"""Between the protobuf messages of the Pub/Sub API and the plain values of the emulator."""

from collections.abc import Sequence
from typing import Any

from google.protobuf import empty_pb2
from google.pubsub_v1 import types

from infra.local.pubsub import limits
from infra.local.pubsub.filters import FilterSyntaxError, parse_filter
from infra.local.pubsub.model import (
    DeadLetterPolicy,
    Delivery,
    FailedPrecondition,
    InvalidArgument,
    Message,
    PushTarget,
    RetryPolicy,
    SubscriptionConfig,
)

_UNSUPPORTED = (
    "bigquery_config",
    "cloud_storage_config",
    "bigtable_config",
    "message_transforms",
    "enable_exactly_once_delivery",
)
_DEFAULT_ACK_DEADLINE_S = 10
_NANOS = 1_000_000_000


def protobuf(name: str) -> Any:
    """The protobuf class of a type of the API; Empty is the one that the API borrows."""
    return empty_pb2.Empty if name == "Empty" else getattr(types, name).pb()


def message_from(proto: Any) -> Message:
    """A message as a publisher sends it."""
    return Message(data=proto.data, attributes=dict(proto.attributes), ordering_key=proto.ordering_key or "")


def received_from(delivery: Delivery) -> Any:
    """A delivery as the API returns it."""
    message = delivery.message
    received = protobuf("ReceivedMessage")(ack_id=delivery.ack_id, delivery_attempt=delivery.attempt)
    received.message.data = message.data
    received.message.attributes.update(message.attributes)
    received.message.message_id = message.message_id
    received.message.ordering_key = message.ordering_key
    received.message.publish_time.FromNanoseconds(int(message.publish_time_s * _NANOS))
    return received


def config_from(proto: Any) -> SubscriptionConfig:
    """The configuration that a Subscription resource asks for; fills its defaults into the resource.

    Raises:
        InvalidArgument: the filter is no filter.
        FailedPrecondition: it asks for something that the emulator does not do.
    """
    for field, _ in proto.ListFields():
        if field.name in _UNSUPPORTED:
            raise FailedPrecondition(f"the emulator does not support {field.name}")
    proto.ack_deadline_seconds = proto.ack_deadline_seconds or _DEFAULT_ACK_DEADLINE_S
    try:
        matches = parse_filter(proto.filter)
    except FilterSyntaxError as error:
        raise InvalidArgument(f"filter: {error}") from error
    return SubscriptionConfig(
        name=proto.name,
        topic=proto.topic,
        ack_deadline_s=proto.ack_deadline_seconds,
        ordered=proto.enable_message_ordering,
        matches=matches,
        retry=_retry_from(proto.retry_policy) if proto.HasField("retry_policy") else None,
        dead_letter=_dead_letter_from(proto.dead_letter_policy),
        push=push_from(proto.push_config),
    )


def push_from(proto: Any) -> PushTarget | None:
    """Where to push; None when messages are pulled."""
    if not proto.push_endpoint:
        return None
    return PushTarget(
        endpoint=proto.push_endpoint,
        wrapped=not proto.HasField("no_wrapper"),
        write_metadata=proto.no_wrapper.write_metadata,
    )


def page(items: Sequence[Any], request: Any) -> tuple[Sequence[Any], str]:
    """The part of a list that was asked for, and the token of the next part."""
    start = int(request.page_token) if request.page_token.isdecimal() else 0
    end = start + (request.page_size or len(items))
    limits.check_range("page size", request.page_size, (0, 1000))
    return items[start:end], str(end) if end < len(items) else ""


def _retry_from(proto: Any) -> RetryPolicy:
    default = RetryPolicy()
    minimum_s = proto.minimum_backoff.ToNanoseconds() / _NANOS
    maximum_s = proto.maximum_backoff.ToNanoseconds() / _NANOS
    return RetryPolicy(
        minimum_s if proto.HasField("minimum_backoff") else default.minimum_s,
        maximum_s if proto.HasField("maximum_backoff") else default.maximum_s,
    )


def _dead_letter_from(proto: Any) -> DeadLetterPolicy | None:
    if not proto.dead_letter_topic:
        return None
    proto.max_delivery_attempts = proto.max_delivery_attempts or DeadLetterPolicy("").max_attempts
    return DeadLetterPolicy(proto.dead_letter_topic, proto.max_delivery_attempts)
