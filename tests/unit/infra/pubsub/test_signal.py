"""Waiting for a notification."""

import asyncio

import pytest

from infra.local.pubsub.broker import Signal


@pytest.mark.parametrize("steps", range(5))
def test_a_cancellation_is_not_lost_however_close_it_comes_to_the_notification(steps: int) -> None:
    async def scenario() -> None:
        signal = Signal()

        async def listen() -> None:
            while True:
                await signal.wait(60.0)

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        signal.notify()
        for _ in range(steps):
            await asyncio.sleep(0)
        listening.cancel()
        await asyncio.wait([listening], timeout=1.0)
        assert listening.cancelled()

    asyncio.run(scenario())


def test_waiting_ends_when_the_time_is_over() -> None:
    asyncio.run(Signal().wait(0.001))
