"""Delivery by HTTP: what is posted, and who posts it when."""

import asyncio
import base64
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from infra.local.pubsub.backoff import PushBackoff
from infra.local.pubsub.broker import Broker, Live
from infra.local.pubsub.model import Delivery, Message, PushTarget

ACK_STATUSES = frozenset({102, 200, 201, 202, 204})
"""Every other answer is a nack. Source: Google's page on push subscriptions."""

_OWN_HEADERS = frozenset({"connection", "content-length", "host", "transfer-encoding"})

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PushRequest:
    """Body and headers of one post."""

    body: bytes
    headers: list[tuple[bytes, bytes]]


def render(delivery: Delivery, subscription: str, target: PushTarget) -> PushRequest:
    """The request that carries a delivery: JSON around the message, or the bare data."""
    if target.wrapped:
        body = json.dumps(_wrapped(delivery, subscription)).encode()
        return PushRequest(body, [(b"content-type", b"application/json")])
    headers = _metadata(delivery.message, subscription) if target.write_metadata else []
    return PushRequest(delivery.message.data, headers)


def _wrapped(delivery: Delivery, subscription: str) -> dict[str, object]:
    message = delivery.message
    published = _rfc3339(message.publish_time_s)
    optional = {
        "attributes": dict(message.attributes),
        "data": base64.b64encode(message.data).decode(),
        "orderingKey": message.ordering_key,
    }
    wrapped: dict[str, object] = {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
        **{key: value for key, value in optional.items() if value},
    }
    envelope: dict[str, object] = {"message": wrapped, "subscription": subscription}
    return {**envelope, "deliveryAttempt": delivery.attempt} if delivery.attempt else envelope


def _metadata(message: Message, subscription: str) -> list[tuple[bytes, bytes]]:
    """Attributes under their own names, then what Pub/Sub knows. The delivery attempt has no header."""
    own = {
        "x-goog-pubsub-subscription-name": subscription,
        "x-goog-pubsub-message-id": message.message_id,
        "x-goog-pubsub-publish-time": _rfc3339(message.publish_time_s),
    }
    if message.ordering_key:
        own["x-goog-pubsub-ordering-key"] = message.ordering_key
    attributes = {key: value for key, value in message.attributes.items() if key.lower() not in _OWN_HEADERS}
    return [(key.encode(), value.encode()) for key, value in (attributes | own).items()]


def _rfc3339(time_s: float) -> str:
    stamp = datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds")
    return stamp.removesuffix("+00:00") + "Z"


class Pusher:
    """Posts the messages of one subscription, so many at once, until cancelled."""

    def __init__(self, broker: Broker, live: Live, client: httpx.AsyncClient, concurrency: int) -> None:
        self._broker = broker
        self._live = live
        self._client = client
        self._concurrency = concurrency
        self._backoff = PushBackoff()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Post for as long as the subscription lives."""
        try:
            while not self._live.deleted:
                if not self._start_some():
                    await self._live.changed.wait(self._pause_s())
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_some(self) -> bool:
        target = self._live.queue.config.push
        if target is None or self._pause_s() is not None or len(self._tasks) >= self._concurrency:
            return False
        # One message a call: each delivery is a holder of its own, so that a key is posted one by one.
        deliveries = self._broker.pull(self._live, 1)
        for delivery in deliveries:
            task = asyncio.create_task(self._deliver(delivery, target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(deliveries)

    def _pause_s(self) -> float | None:
        """What is left of a pause, outside of the emulator; None while there is none."""
        left_s = self._backoff.resume_at - self._broker.clock.now_s()
        return self._broker.clock.outside_s(left_s) if left_s > 0 else None

    async def _deliver(self, delivery: Delivery, target: PushTarget) -> None:
        acked = await self._post(delivery, target)
        now = self._broker.clock.now_s()
        queue = self._live.queue
        if acked:
            self._backoff.succeeded()
            queue.acknowledge(delivery.ack_id, now)
        else:
            self._backoff.failed(now)
            queue.nack(delivery.ack_id, now)
        self._tasks.discard(asyncio.current_task())
        self._broker.settle(self._live)

    async def _post(self, delivery: Delivery, target: PushTarget) -> bool:
        """Whether the endpoint acknowledged before the deadline."""
        name = self._live.queue.config.name
        request = render(delivery, name, target)
        deadline_s = self._broker.clock.outside_s(self._live.queue.config.ack_deadline_s)
        try:
            async with asyncio.timeout(deadline_s):
                response = await self._client.post(
                    target.endpoint, content=request.body, headers=request.headers
                )
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            log.info("push on %s was not answered: %s", name, type(error).__name__)
            return False
        return response.status_code in ACK_STATUSES
