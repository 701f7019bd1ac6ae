"""The gRPC service google.pubsub.v1.Subscriber."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import grpc

from infra.local.pubsub import limits, wire
from infra.local.pubsub.broker import Broker, Live
from infra.local.pubsub.model import FailedPrecondition, InvalidArgument, NotFound
from infra.local.pubsub.rpc import service, stream, unary

LONG_POLL_S = 20.0
"""How long a Pull waits for a message, in real seconds, when its caller sets no earlier deadline."""

MAX_STREAM_BATCH = 1000


class Subscriber:
    """Subscriptions, pulling and acknowledging. Updating, seeking and snapshots are unimplemented."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def handler(self) -> grpc.GenericRpcHandler:
        """What the server serves."""
        return service(
            "google.pubsub.v1.Subscriber",
            {
                "CreateSubscription": unary(self.create, "Subscription", "Subscription"),
                "GetSubscription": unary(self.get, "GetSubscriptionRequest", "Subscription"),
                "ListSubscriptions": unary(
                    self.list_all, "ListSubscriptionsRequest", "ListSubscriptionsResponse"
                ),
                "DeleteSubscription": unary(self.delete, "DeleteSubscriptionRequest", "Empty"),
                "ModifyPushConfig": unary(self.modify_push, "ModifyPushConfigRequest", "Empty"),
                "ModifyAckDeadline": unary(self.modify_deadline, "ModifyAckDeadlineRequest", "Empty"),
                "Acknowledge": unary(self.acknowledge, "AcknowledgeRequest", "Empty"),
                "Pull": unary(self.pull, "PullRequest", "PullResponse"),
                "StreamingPull": stream(self.streaming_pull, "StreamingPullRequest", "StreamingPullResponse"),
            },
        )

    def create(self, request: Any) -> Any:
        """Add a subscription."""
        self._broker.create_subscription(wire.config_from(request), request)
        return request

    def get(self, request: Any) -> Any:
        """One subscription."""
        return self._broker.subscription(request.subscription).resource

    def list_all(self, request: Any) -> Any:
        """The subscriptions of a project."""
        prefix = f"{request.project}/subscriptions/"
        found = [
            live.resource for name, live in self._broker.subscriptions.items() if name.startswith(prefix)
        ]
        part, token = wire.page(found, request)
        return wire.protobuf("ListSubscriptionsResponse")(subscriptions=part, next_page_token=token)

    def delete(self, request: Any) -> Any:
        """Remove a subscription."""
        self._broker.delete_subscription(request.subscription)
        return wire.protobuf("Empty")()

    def modify_push(self, request: Any) -> Any:
        """Push elsewhere, or not at all."""
        self._broker.set_push(request.subscription, wire.push_from(request.push_config))
        live = self._broker.subscription(request.subscription)
        live.resource.push_config.CopyFrom(request.push_config)
        return wire.protobuf("Empty")()

    def modify_deadline(self, request: Any) -> Any:
        """Move the ends of leases."""
        seconds = request.ack_deadline_seconds
        self._broker.modify_deadline(request.subscription, request.ack_ids, seconds)
        return wire.protobuf("Empty")()

    def acknowledge(self, request: Any) -> Any:
        """Settle messages."""
        self._broker.acknowledge(request.subscription, request.ack_ids)
        return wire.protobuf("Empty")()

    async def pull(self, request: Any, context: Any) -> Any:
        """Wait a while for messages. An answer without any is no error."""
        live = self._pulled(request.subscription)
        if request.max_messages <= 0:
            raise InvalidArgument("max_messages must be above zero")
        loop = asyncio.get_running_loop()
        remaining_s = context.time_remaining()
        # A caller that has gone would leave its messages leased to nobody, so answer before it goes.
        wait_s = LONG_POLL_S if remaining_s is None else min(LONG_POLL_S, 0.9 * remaining_s)
        until = loop.time() + (0.0 if request.return_immediately else wait_s)
        deliveries = self._broker.pull(live, request.max_messages)
        while not deliveries and not live.deleted and loop.time() < until:
            await live.changed.wait(until - loop.time())
            deliveries = self._broker.pull(live, request.max_messages)
        return wire.protobuf("PullResponse")(received_messages=map(wire.received_from, deliveries))

    async def streaming_pull(self, requests: Any, context: Any) -> None:
        """Send messages as they come, for as long as the subscriber listens."""
        messages = aiter(requests)
        first = await anext(messages, None)
        if first is None:
            return
        live = self._pulled(first.subscription)
        limits.check_range("stream ack deadline", first.stream_ack_deadline_seconds, limits.ACK_DEADLINE_S)
        await context.write(self._greeting(live))
        await _until_one_ends(
            self._read_stream(messages, first.subscription), self._write_stream(live, first, context)
        )

    async def _read_stream(self, messages: Any, name: str) -> None:
        """Acknowledgements may come along the stream too; most clients send them in calls of their own."""
        async for request in messages:
            self._broker.acknowledge(name, request.ack_ids)
            pairs = zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=False)
            for ack_id, seconds in pairs:
                self._broker.modify_deadline(name, [ack_id], seconds)

    async def _write_stream(self, live: Live, first: Any, context: Any) -> None:
        holder = object()
        lease_s = first.stream_ack_deadline_seconds
        response = wire.protobuf("StreamingPullResponse")
        while not live.deleted:
            room = _room(live.queue.outstanding(holder), first)
            deliveries = self._broker.pull(live, room, holder=holder, lease_s=lease_s)
            if deliveries:
                await context.write(response(received_messages=map(wire.received_from, deliveries)))
            else:
                await live.changed.wait()
        raise NotFound(f"subscription {live.queue.config.name} was deleted")

    def _greeting(self, live: Live) -> Any:
        """Clients wait for a first response before they trust the stream."""
        greeting = wire.protobuf("StreamingPullResponse")()
        greeting.subscription_properties.message_ordering_enabled = live.queue.config.ordered
        return greeting

    def _pulled(self, name: str) -> Live:
        live = self._broker.subscription(name)
        if live.queue.config.push is not None:
            raise FailedPrecondition(f"subscription {name} is pushed, not pulled")
        return live


def _room(outstanding: tuple[int, int], first: Any) -> int:
    """How many more messages the flow control of a stream allows."""
    messages, size_bytes = outstanding
    if 0 < first.max_outstanding_bytes <= size_bytes:
        return 0
    limit: int = first.max_outstanding_messages
    return min(MAX_STREAM_BATCH, max(0, limit - messages)) if limit > 0 else MAX_STREAM_BATCH


async def _until_one_ends(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run side by side until one of them ends, then end the others; raise what it raised."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
