from dataclasses import replace
from math import inf

import pytest

from core.cost import Rates
from core.expected import break_even_s, expected
from core.routes import EngineFacts, RoutingPolicy

FACTS, POLICY = EngineFacts(), RoutingPolicy()


def test_at_the_break_even_a_woken_gpu_and_deepgram_cost_the_same() -> None:
    even = expected(break_even_s(FACTS, POLICY), FACTS, POLICY)
    assert even.cold["parakeet"].usd == pytest.approx(even.cold["deepgram"].usd)


def test_a_gpu_that_is_dearer_than_deepgram_by_the_second_never_pays() -> None:
    assert break_even_s(replace(FACTS, parakeet_rtfx=1.0), POLICY) == inf


def test_routing_wakes_a_gpu_for_a_long_file_only() -> None:
    cheap_time = replace(POLICY, waiting_usd_per_minute=0.0)
    even_s = break_even_s(FACTS, cheap_time)
    assert expected(even_s * 0.9, FACTS, cheap_time).chosen_cold == "deepgram"
    assert expected(even_s * 1.1, FACTS, cheap_time).chosen_cold == "parakeet"
    assert expected(even_s * 0.9, FACTS, cheap_time).chosen_warm == "parakeet"


def test_the_tail_is_what_makes_waking_dear() -> None:
    short = replace(POLICY, rates=Rates(idle_tail_s=0))
    assert break_even_s(FACTS, short) < break_even_s(FACTS, POLICY) / 10
