"""The emulator in a thread of the calling process."""

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from infra.local.pubsub.broker import Broker
from infra.local.pubsub.model import Counters
from infra.local.pubsub.server import Settings, serving


@dataclass(frozen=True, slots=True)
class _Running:
    host: str
    broker: Broker
    loop: asyncio.AbstractEventLoop
    closing: asyncio.Event


class PubSubEmulator:
    """Pub/Sub on loopback, for clients that are told of it by PUBSUB_EMULATOR_HOST.

    Args:
        port: 0 takes a free one.
        time_scale: seconds of the emulator that pass in one real second. Deadlines, delays and pauses run on
            the emulator's time; publish times and the waiting of a Pull stay real. The streaming clients keep
            their own, real time: raise the scale only where leases are not left to them.
        push_concurrency: posts at once per push subscription.
    """

    def __init__(self, *, port: int = 0, time_scale: float = 1.0, push_concurrency: int = 20) -> None:
        self._settings = Settings(port, time_scale, push_concurrency)
        self._started: Future[_Running] = Future()
        self._thread: threading.Thread | None = None

    @property
    def host(self) -> str:
        """127.0.0.1:PORT. Only after start()."""
        return self._started.result(timeout=0).host

    def start(self) -> Self:
        """Return once the port is open. Raises RuntimeError or OSError when it can't be."""
        self._started = Future()
        self._thread = threading.Thread(target=self._run, name="pubsub-emulator", daemon=True)
        self._thread.start()
        self._started.result()
        return self

    def stop(self) -> None:
        """End all streams and pushes, and forget everything. Does nothing when not running."""
        if self._thread is None:
            return
        if self._started.exception() is None:
            running = self._started.result()
            running.loop.call_soon_threadsafe(running.closing.set)
        self._thread.join()
        self._thread = None

    def counters(self, subscription: str) -> Counters:
        """What has happened on projects/P/subscriptions/ID so far. Raises NotFound."""
        running = self._started.result(timeout=0)

        async def read() -> Counters:
            return running.broker.subscription(subscription).queue.counters

        return asyncio.run_coroutine_threadsafe(read(), running.loop).result()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        closing = asyncio.Event()
        async with serving(self._settings) as (host, broker):
            self._started.set_result(_Running(host, broker, asyncio.get_running_loop(), closing))
            await closing.wait()
