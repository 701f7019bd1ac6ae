"""An event loop that has other work, and how long that work had to wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter

TICK_S = 0.01
NEIGHBOURS = 20


@dataclass
class Lag:
    """How late ticks of 10 ms were, in seconds."""

    late_s: list[float] = field(default_factory=list)

    @property
    def largest_s(self) -> float:
        return max(self.late_s)


@asynccontextmanager
async def busy_loop() -> AsyncIterator[Lag]:
    """Let neighbours work in this loop, a little at a time, and one of them watch the time."""
    lag = Lag()
    tasks = [asyncio.create_task(_neighbour()) for _ in range(NEIGHBOURS)]
    tasks.append(asyncio.create_task(_ticks(lag)))
    await asyncio.sleep(5 * TICK_S)
    lag.late_s.clear()
    try:
        yield lag
        await asyncio.sleep(2 * TICK_S)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _neighbour() -> None:
    while True:
        sum(range(1000))
        await asyncio.sleep(TICK_S)


async def _ticks(lag: Lag) -> None:
    before_s = perf_counter()
    while True:
        await asyncio.sleep(TICK_S)
        now_s = perf_counter()
        lag.late_s.append(now_s - before_s - TICK_S)
        before_s = now_s
