"""Routing where a file comes in, and where it falls back to."""

from dataclasses import replace
from typing import Any

import pytest

from core.audio import AudioObject
from core.errors import NoRoute
from core.jobs import Job
from core.routing import (
    EngineFacts,
    FileFacts,
    RoutingPolicy,
    at_best,
    at_fallback,
    at_ingest,
    choose_route,
    may_fall_back,
)
from tests.unit.core.test_routing import GONE, PLAIN, READY, a_file

STRAIGHT: list[tuple[dict[str, Any], float, bool]] = [
    ({}, 1, False),
    ({}, 12, False),
    ({"cost_optimization": False}, 4, True),
    ({"cost_optimization": False}, 3.9, False),
    ({"enable_gpu": False}, 1, True),
    ({"force_deepgram": True}, 1, True),
    ({"method": "deepgram"}, 1, True),
    ({"method": "parakeet"}, 12, False),
    ({"rollout_percent": 0}, 1, True),
    ({"enable_gpu": False, "allow_deepgram": False, "allow_cpu_parakeet": True}, 1, False),
]


@pytest.mark.parametrize(("settings", "hours", "straight"), STRAIGHT)
def test_ingest_wakes_no_gpu_in_vain(settings: dict[str, Any], hours: float, straight: bool) -> None:
    unknown = at_best(EngineFacts(gpu="unavailable", queue_s=1e6))
    assert (at_ingest(a_file(hours), unknown, RoutingPolicy(**settings)) is not None) == straight


def test_ingest_refuses_what_no_gpu_could_help() -> None:
    with pytest.raises(NoRoute):
        at_ingest(a_file(), READY, RoutingPolicy(enable_gpu=False, allow_deepgram=False))


FALLBACK: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"enable_fallback": False}, {}, False),
    ({"allow_deepgram": False}, {}, False),
    ({"method": "parakeet"}, {}, False),
    ({}, {"engine": "parakeet"}, False),
    ({}, {"engine": "deepgram"}, True),
]


@pytest.mark.parametrize(("settings", "facts", "may"), FALLBACK)
def test_a_failure_moves_to_deepgram_only_where_audio_may_leave(
    settings: dict[str, Any], facts: dict[str, Any], may: bool
) -> None:
    assert may_fall_back(a_file(**facts), READY, RoutingPolicy(**settings)) == may


def test_a_failure_cannot_move_to_a_deepgram_without_a_key() -> None:
    assert not may_fall_back(a_file(), EngineFacts(deepgram_available=False), RoutingPolicy())


@pytest.mark.parametrize("wish", ["", "parakeet", "hybrid"])
@pytest.mark.parametrize("policy", [PLAIN, RoutingPolicy(allow_cpu_parakeet=True, rollout_percent=0)])
def test_what_reached_the_fallback_goes_to_deepgram(wish: str, policy: RoutingPolicy) -> None:
    for engines in (READY, GONE):
        assert at_fallback(a_file(engine=wish), engines, policy).method == "deepgram"


@pytest.mark.parametrize("policy", [RoutingPolicy(allow_deepgram=False), RoutingPolicy(method="parakeet")])
def test_what_may_not_leave_is_refused_at_the_fallback_too(policy: RoutingPolicy) -> None:
    with pytest.raises(NoRoute):
        at_fallback(a_file(), READY, policy)


def test_the_metadata_of_the_audio_say_what_is_wished_for() -> None:
    audio = AudioObject("b", "7/audio_7.mp3", 1)
    plain = FileFacts.of(Job(audio), 60.0)
    assert plain == FileFacts("gs://b/7/audio_7.mp3", "7", 60.0)
    said = {"language": "de", "engine": "Deepgram", "priority": "high"}
    told = FileFacts.of(Job(replace(audio, metadata=said)))
    assert (told.spoken, told.wish, told.priority) == ("de", "deepgram", "high")


def test_routing_without_fallback_may_still_choose_deepgram() -> None:
    assert choose_route(a_file(4), READY, replace(PLAIN, enable_fallback=False)).method == "deepgram"
