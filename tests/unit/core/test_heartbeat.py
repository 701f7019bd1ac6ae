import json
from typing import Any

import pytest

from core.breaker import State
from core.heartbeat import FRESH_S, Heartbeat, Seen, facts_from
from core.routing import EngineFacts

BEAT = Heartbeat(True, "NVIDIA L4", "parakeet", 220.0, 12.5)
NOBODY = EngineFacts(gpu="cold", parakeet_rtfx=90.0, cpu_rtfx=3.0)


def beat(
    rtfx: float = 220.0, queue_s: float = 0.0, breaker: State = "closed", *, on_gpu: bool = True
) -> Heartbeat:
    return Heartbeat(on_gpu, "NVIDIA L4", "parakeet", rtfx, queue_s, breaker)


def test_a_fresh_beat_is_a_ready_gpu_with_its_queue_and_speed() -> None:
    facts = facts_from([Seen(BEAT, FRESH_S)], NOBODY)
    assert (facts.gpu, facts.queue_s, facts.parakeet_rtfx) == ("ready", 12.5, 220.0)


def test_a_stale_beat_is_a_cold_gpu_that_will_be_as_fast_as_it_was() -> None:
    facts = facts_from([Seen(BEAT, FRESH_S + 1)], NOBODY)
    assert (facts.gpu, facts.queue_s, facts.parakeet_rtfx) == ("cold", 0.0, 220.0)


def test_without_any_beat_nothing_more_is_known() -> None:
    assert facts_from([], NOBODY) == NOBODY


def test_the_shortest_queue_speaks_for_several_instances() -> None:
    seen = [Seen(beat(200, 300), 5), Seen(beat(210, 20), 19), Seen(beat(190, 0), 500)]
    facts = facts_from(seen, NOBODY)
    assert (facts.gpu, facts.queue_s, facts.parakeet_rtfx) == ("ready", 20, 210)


def test_an_instance_that_rests_is_not_counted_while_another_works() -> None:
    seen = [Seen(beat(200, 0, "open"), 5), Seen(beat(210, 50), 10)]
    assert facts_from(seen, NOBODY).queue_s == 50
    assert facts_from(seen, NOBODY).gpu_breaker == "closed"


def test_where_all_that_live_rest_the_gpu_is_unavailable() -> None:
    facts = facts_from([Seen(beat(breaker="open"), 5)], NOBODY)
    assert (facts.gpu, facts.gpu_breaker) == ("unavailable", "open")


def test_an_instance_that_rested_and_is_gone_is_a_cold_gpu() -> None:
    facts = facts_from([Seen(beat(breaker="open"), FRESH_S + 1)], NOBODY)
    assert (facts.gpu, facts.gpu_breaker) == ("cold", "closed")


def test_a_half_open_breaker_waits_for_a_file_to_try() -> None:
    facts = facts_from([Seen(beat(breaker="half_open"), 5)], NOBODY)
    assert (facts.gpu, facts.gpu_breaker) == ("ready", "half_open")


def test_a_service_without_a_gpu_has_none_to_wake() -> None:
    facts = facts_from([Seen(beat(7.5, on_gpu=False), 5000), Seen(beat(), 9000)], NOBODY)
    assert (facts.gpu, facts.cpu_rtfx) == ("unavailable", 7.5)


def test_what_is_written_is_read_back() -> None:
    assert Heartbeat.from_json(json.loads(json.dumps(BEAT.to_json()))) == BEAT


@pytest.mark.parametrize(
    "wrong",
    [{"rtfx": 0}, {"rtfx": "nan"}, {"queue_s": -1}, {"queue_s": "inf"}, {"breaker": "ajar"}, {"rtfx": None}],
)
def test_a_beat_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Heartbeat.from_json(BEAT.to_json() | wrong)
