"""How one subscription delivers: a queue with leases, backoff, attempts and ordering keys.

No clock and no I/O: every method that depends on time takes `now`, in seconds from any fixed start.
"""

import heapq
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import count, takewhile

from infra.local.pubsub.model import Counters, DeadLetter, Delivery, Message, SubscriptionConfig

MAX_BATCH_BYTES = 4_000_000
"""Clients of an emulator keep gRPC's default limit of 4 MiB on what they receive."""


@dataclass(slots=True, order=True)
class _Entry:
    """A message in the queue. It is leased while it has an ack_id."""

    sequence: int
    message: Message
    failures: int = 0
    ack_id: str = ""
    lease_until: float = 0.0
    holder: Hashable = None
    acked: bool = False

    @property
    def undelivered(self) -> bool:
        return not self.ack_id and not self.acked


class Subscription:
    """The queue of one subscription.

    A message is ready, delayed by the retry policy, leased, or (only with an ordering key) acknowledged while
    an earlier one of its key is not: then it may have to be delivered again.

    A holder stands for a receiver. Messages of one ordering key go to one holder at a time.
    """

    def __init__(self, config: SubscriptionConfig) -> None:
        self.config = config
        self.can_dead_letter = True
        """False while the dead-letter topic is missing: then messages stay and are tried on."""
        self._counters = Counters()
        self._sequence = count(1)
        self._ready: list[_Entry] = []
        self._delayed: list[tuple[float, _Entry]] = []
        self._leased: dict[str, _Entry] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._keys: dict[str, dict[int, _Entry]] = {}
        self._dead: list[_Entry] = []

    @property
    def counters(self) -> Counters:
        """A copy of the counts, as of the last call."""
        backlog = len(self._ready) + len(self._delayed) + len(self._leased) + len(self._dead)
        return replace(self._counters, backlog=backlog)

    def publish(self, message: Message) -> None:
        """Queue a message, unless the filter drops it."""
        if not self.config.matches(message.attributes):
            self._counters.filtered += 1
            return
        entry = _Entry(next(self._sequence), message)
        if self._is_ordered(entry):
            self._keys.setdefault(message.ordering_key, {})[entry.sequence] = entry
        heapq.heappush(self._ready, entry)

    def pull(
        self, now: float, limit: int, *, holder: Hashable = None, lease_s: float | None = None
    ) -> list[Delivery]:
        """Lease up to `limit` messages, oldest first, at most MAX_BATCH_BYTES unless one alone is bigger.

        Without a holder the call counts as a receiver of its own.
        """
        self.advance(now)
        until = now + (self.config.ack_deadline_s if lease_s is None else lease_s)
        holder = object() if holder is None else holder
        taken: list[_Entry] = []
        for entry in self._deliverable(limit, holder):
            entry.ack_id = f"{self.config.name}#{next(self._sequence)}"
            entry.holder = holder
            self._leased[entry.ack_id] = entry
            self._extend(entry, until)
            taken.append(entry)
        self._counters.delivered += len(taken)
        return [self._delivery(entry) for entry in taken]

    def acknowledge(self, ack_id: str, now: float) -> bool:
        """Settle a leased message; False when the lease is over, so that the message will come again."""
        self.advance(now)
        entry = self._release(ack_id)
        if entry is None:
            return False
        self._counters.acked += 1
        entry.acked = True
        self._forget_settled(entry.message.ordering_key)
        return True

    def nack(self, ack_id: str, now: float) -> bool:
        """Give a leased message back; False when the lease is over already."""
        self.advance(now)
        entry = self._release(ack_id)
        if entry is None:
            return False
        self._counters.nacked += 1
        self._fail(entry, now)
        return True

    def modify_deadline(self, ack_id: str, seconds: float, now: float) -> bool:
        """Let the lease end `seconds` from now; zero is a nack. False when the lease is over already."""
        if seconds == 0:
            return self.nack(ack_id, now)
        self.advance(now)
        entry = self._leased.get(ack_id)
        if entry is not None:
            self._extend(entry, now + seconds)
        return entry is not None

    def advance(self, now: float) -> None:
        """End the leases and the delays that are over by now."""
        while (deadline := self._next_deadline()) is not None and deadline <= now:
            entry = self._release(heapq.heappop(self._deadlines)[1])
            if entry is not None:
                self._counters.expired += 1
                self._fail(entry, deadline)
        while self._delayed and self._delayed[0][0] <= now:
            heapq.heappush(self._ready, heapq.heappop(self._delayed)[1])

    def next_change(self) -> float | None:
        """When a lease or a delay ends next; None while there is none."""
        times = [self._next_deadline(), self._delayed[0][0] if self._delayed else None]
        return min((time for time in times if time is not None), default=None)

    def take_dead_letters(self) -> list[DeadLetter]:
        """Hand over, once, the messages that have used up their attempts."""
        dead, self._dead = self._dead, []
        self._counters.dead_lettered += len(dead)
        return [DeadLetter(entry.message, entry.failures) for entry in dead]

    def outstanding(self, holder: Hashable) -> tuple[int, int]:
        """Messages and bytes that a holder has on lease."""
        held = [entry.message.size_bytes for entry in self._leased.values() if entry.holder == holder]
        return len(held), sum(held)

    def _deliverable(self, limit: int, holder: Hashable) -> Iterator[_Entry]:
        blocked: list[_Entry] = []
        size_bytes = taken = 0
        while self._ready and taken < limit:
            entry = heapq.heappop(self._ready)
            if self._is_blocked(entry, holder):
                blocked.append(entry)
                continue
            size_bytes += entry.message.size_bytes
            if taken and size_bytes > MAX_BATCH_BYTES:
                blocked.append(entry)
                break
            taken += 1
            yield entry
        for entry in blocked:
            heapq.heappush(self._ready, entry)

    def _is_blocked(self, entry: _Entry, holder: Hashable) -> bool:
        """Whether an earlier message of the key waits, or is with somebody else."""
        if not self._is_ordered(entry):
            return False
        siblings = self._keys[entry.message.ordering_key].values()
        earlier = takewhile(lambda other: other is not entry, siblings)
        return any(other.undelivered or (other.ack_id and other.holder != holder) for other in earlier)

    def _fail(self, entry: _Entry, now: float) -> None:
        entry.failures += 1
        policy = self.config.dead_letter
        if policy is not None and entry.failures >= policy.max_attempts and self.can_dead_letter:
            self._dead.append(entry)
            self._keys.get(entry.message.ordering_key, {}).pop(entry.sequence, None)
            self._forget_settled(entry.message.ordering_key)
            return
        retry = self.config.retry
        delay_s = retry.delay_s(entry.failures) if retry else 0.0
        heapq.heappush(self._delayed, (now + delay_s, entry))
        self._rewind(entry)

    def _rewind(self, failed: _Entry) -> None:
        """Deliver everything after a failed message of an ordering key again, acknowledged or not."""
        for entry in self._keys.get(failed.message.ordering_key, {}).values():
            if entry.sequence > failed.sequence and not entry.undelivered:
                self._release(entry.ack_id)
                entry.acked = False
                heapq.heappush(self._ready, entry)

    def _release(self, ack_id: str) -> _Entry | None:
        entry = self._leased.pop(ack_id, None)
        if entry is not None:
            entry.ack_id, entry.holder = "", None
        return entry

    def _extend(self, entry: _Entry, until: float) -> None:
        entry.lease_until = until
        heapq.heappush(self._deadlines, (until, entry.ack_id))

    def _next_deadline(self) -> float | None:
        """The earliest end of a lease, dropping ends that were moved or no longer matter."""
        while self._deadlines:
            until, ack_id = self._deadlines[0]
            entry = self._leased.get(ack_id)
            if entry is not None and entry.lease_until == until:
                return until
            heapq.heappop(self._deadlines)
        return None

    def _forget_settled(self, key: str) -> None:
        """Drop the settled messages at the head of a key: nothing before them can fail any more."""
        siblings = self._keys.get(key, {})
        for entry in list(takewhile(lambda entry: entry.acked, siblings.values())):
            del siblings[entry.sequence]
        if not siblings:
            self._keys.pop(key, None)

    def _is_ordered(self, entry: _Entry) -> bool:
        return self.config.ordered and bool(entry.message.ordering_key)

    def _delivery(self, entry: _Entry) -> Delivery:
        attempt = entry.failures + 1 if self.config.dead_letter else 0
        return Delivery(entry.ack_id, entry.message, attempt)
