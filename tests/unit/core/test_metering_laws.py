"""However attempts come and go, an instance's life is paid once, from its start to the end of its tail."""

from collections.abc import Sequence
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing import Usage
from core.cost import Prices, Rates, gpu_cost
from core.metering import InstanceMeter, Share
from tests.fakes.clock import FakeClock

RATES = Rates(idle_tail_s=600)
SECONDS = st.integers(0, 1000).map(lambda tenths: tenths / 10)
EVENTS = st.lists(st.tuples(SECONDS, st.integers(0, 3)), min_size=1, max_size=40)


def live(start_s: float, events: Sequence[tuple[float, int]]) -> tuple[list[Share], float]:
    """The shares of all attempts of an instance, and when the last one ended.

    Each event is a pause and what follows it: 0 starts an attempt, another number ends the one that has so
    many started after it, if there is one.
    """
    clock = FakeClock()
    meter = InstanceMeter(clock, started_s=clock.monotonic() - start_s)
    shares: list[Share] = []
    running: list[ExitStack] = []
    for pause_s, what in events:
        clock.advance(pause_s)
        if what == 0:
            running.append(ExitStack())
            shares.append(running[-1].enter_context(meter.share()))
        elif what <= len(running):
            running.pop(-what).close()
    while running:
        running.pop().close()
        clock.advance(1.0)
    return shares, clock.monotonic()


@given(start_s=st.integers(1, 900).map(float), events=EVENTS)
def test_the_shares_of_all_attempts_add_up_to_the_life_of_the_instance(
    start_s: float, events: list[tuple[float, int]]
) -> None:
    # A last attempt takes the pause before it, so that all of the time belongs to somebody.
    shares, ended_s = live(start_s, [*events, (0.0, 0)])
    usages = [
        Usage("parakeet", "m", active_s=one.active_s, cold_start_s=one.cold_start_s, idle_s=one.idle_s)
        for one in shares
    ]
    parts = [Prices(RATES).priced(usage) for usage in usages]
    life_s = start_s + ended_s - 1.0 + RATES.idle_tail_s
    assert sum(part.instance_s for part in parts) == pytest.approx(life_s)
    assert sum(part.usd for part in parts) == pytest.approx(gpu_cost(life_s, RATES))
    assert sum(part.tail_s > 0 for part in parts) == 1
