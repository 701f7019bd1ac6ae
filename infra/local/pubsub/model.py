"""The plain values of the emulator, and its refusals.

Refused
├── NotFound
├── AlreadyExists
├── InvalidArgument
└── FailedPrecondition
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.local.pubsub.filters import Filter, parse_filter

DELETED_TOPIC = "_deleted-topic_"
"""What a subscription names as its topic once that is gone. Source: the Subscription resource."""


class Refused(Exception):
    """A request that the broker does not carry out."""


class NotFound(Refused):
    """No such topic or subscription."""


class AlreadyExists(Refused):
    """The name is taken."""


class InvalidArgument(Refused):
    """A value breaks a rule of the service."""


class FailedPrecondition(Refused):
    """The request is well formed but does not suit the state of the subscription."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a topic keeps it. publish_time_s counts from 1970."""

    data: bytes = b""
    attributes: Mapping[str, str] = field(default_factory=dict)
    ordering_key: str = ""
    message_id: str = ""
    publish_time_s: float = 0.0

    @property
    def size_bytes(self) -> int:
        """Data, attributes and ordering key together."""
        pairs = sum(len(key.encode()) + len(value.encode()) for key, value in self.attributes.items())
        return len(self.data) + pairs + len(self.ordering_key.encode())


@dataclass(frozen=True, slots=True)
class Delivery:
    """One hand-over of a message. attempt is 0 without a dead-letter policy, as in the API."""

    ack_id: str
    message: Message
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, with the number of its failed deliveries."""

    message: Message
    attempts: int


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Waiting time between the deliveries of one message. Defaults as in the API."""

    minimum_s: float = 10.0
    maximum_s: float = 600.0

    def delay_s(self, failures: int) -> float:
        """Doubles with each failed delivery, from the minimum up to the maximum."""
        return min(self.maximum_s, self.minimum_s * 2.0 ** min(failures - 1, 60))


@dataclass(frozen=True, slots=True)
class DeadLetterPolicy:
    """Where messages go after so many failed deliveries."""

    topic: str
    max_attempts: int = 5


@dataclass(frozen=True, slots=True)
class PushTarget:
    """An HTTP endpoint and the form of what is posted to it."""

    endpoint: str
    wrapped: bool = True
    write_metadata: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionConfig:
    """All that decides how a subscription delivers."""

    name: str
    topic: str
    ack_deadline_s: float = 10.0
    ordered: bool = False
    matches: Filter = field(default_factory=lambda: parse_filter(""))
    retry: RetryPolicy | None = None
    dead_letter: DeadLetterPolicy | None = None
    push: PushTarget | None = None


@dataclass(slots=True)
class Counters:
    """What has happened on a subscription so far; backlog is what is neither acknowledged nor given up."""

    delivered: int = 0
    acked: int = 0
    nacked: int = 0
    expired: int = 0
    filtered: int = 0
    dead_lettered: int = 0
    backlog: int = 0
