"""The emulator as one asyncio program: the gRPC server, the pushers and the keeper of time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import httpx

from infra.local.pubsub.broker import Broker, Live
from infra.local.pubsub.clock import ScaledClock
from infra.local.pubsub.publisher import Publisher
from infra.local.pubsub.push import Pusher
from infra.local.pubsub.subscriber import Subscriber

MAX_RECEIVE_BYTES = 64 * 1024 * 1024
"""Above the service's own limit, so that a message that is too big gets the service's answer."""

_STOP_GRACE_S = 0.2


@dataclass(frozen=True, slots=True)
class Settings:
    """How the emulator runs. Port 0 takes a free one; time_scale lets its clock run faster."""

    port: int = 0
    time_scale: float = 1.0
    push_concurrency: int = 20


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[str, Broker]]:
    """Serve on loopback while the context is open; yields HOST:PORT and the broker."""
    broker = Broker(ScaledClock(settings.time_scale))
    server = grpc.aio.server(
        options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES)]
    )
    server.add_generic_rpc_handlers((Publisher(broker).handler(), Subscriber(broker).handler()))
    port = server.add_insecure_port(f"127.0.0.1:{settings.port}")
    await server.start()
    background = [
        asyncio.create_task(broker.keep_time()),
        asyncio.create_task(_keep_pushing(broker, settings.push_concurrency)),
    ]
    try:
        yield f"127.0.0.1:{port}", broker
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await server.stop(_STOP_GRACE_S)


async def _keep_pushing(broker: Broker, concurrency: int) -> None:
    """Run a pusher for every subscription; it rests while the subscription has no endpoint."""
    # A connection a post: one that the endpoint closed in the meantime must not look like a nack.
    limits = httpx.Limits(max_keepalive_connections=0)
    pushers: dict[Live, asyncio.Task[None]] = {}
    # The ack deadline bounds a post as a whole, which the timeouts of httpx do not.
    unbounded = httpx.Timeout(None)
    async with httpx.AsyncClient(trust_env=False, timeout=unbounded, limits=limits) as client:
        try:
            while True:
                for live in broker.subscriptions.values():
                    if live not in pushers:
                        pushers[live] = asyncio.create_task(Pusher(broker, live, client, concurrency).run())
                await broker.changed.wait()
        finally:
            for pusher in pushers.values():
                pusher.cancel()
            await asyncio.gather(*pushers.values(), return_exceptions=True)
