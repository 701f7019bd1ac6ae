"""The engines of both services as they are composed: levels, breakers, what they teach and tell."""

from collections.abc import Sequence
from typing import Any

import pytest

from core.billing import Bill
from core.breaker import REST_S
from core.errors import EngineFailed, EngineLost, EngineUnavailable
from core.guarded import Guarded
from handlers.engines import GpuEngines, fallback_engine
from tests.log_lines import Lines
from tests.unit.handlers.wired import Wired

ON_GPU = {"PARAKEET_DEVICE": "cuda"}
WITH_CPU = {**ON_GPU, "ALLOW_CPU_PARAKEET": "true"}


def broken(stage: str, windows: Sequence[Any]) -> None:
    if stage == "run":
        raise EngineFailed("the kernel failed")


def lost(stage: str, windows: Sequence[Any]) -> None:
    raise EngineLost("the device is gone")


def hear(place: Wired, engines: GpuEngines, method: str = "parakeet", name: str = "1.mp3") -> list[str]:
    """Who is on the bill."""
    bill = Bill()
    engines.by_method[method].transcribe(place.source(name), place.info, bill)
    return [usage.runner for usage in bill.usages]


def fail(place: Wired, engines: GpuEngines, times: int) -> None:
    for number in range(times):
        with pytest.raises(EngineFailed):
            hear(place, engines, name=f"{number}.mp3")


def test_what_the_gpu_hears_needs_no_second_model() -> None:
    place = Wired(WITH_CPU)
    with place.gpu_service() as engines:
        assert hear(place, engines) == ["parakeet"]
    assert place.made == ["cuda"]


def test_what_the_gpu_cannot_hear_the_cpu_does_with_one_second_model(lines: Lines) -> None:
    place = Wired(WITH_CPU, gpu=broken)
    with place.gpu_service() as engines:
        assert hear(place, engines) == ["parakeet", "parakeet_cpu"]
        assert hear(place, engines, name="2.mp3") == ["parakeet", "parakeet_cpu"]
    assert place.made == ["cuda", "cpu"]
    assert "the CPU goes on: the kernel failed" in lines.read_all()[0]["message"]


def test_where_the_cpu_is_not_allowed_the_failure_of_the_gpu_stands() -> None:
    place = Wired(ON_GPU, gpu=broken)
    with place.gpu_service() as engines:
        fail(place, engines, 1)
    assert place.made == ["cuda"]


def test_a_file_that_would_keep_the_cpu_beyond_the_turnaround_stays_off_it() -> None:
    for rtfx, made in (("0.9", ["cuda"]), ("1", ["cuda", "cpu"])):
        place = Wired({**WITH_CPU, "MAX_TURNAROUND_S": "60", "CPU_RTFX": rtfx}, gpu=broken, cpu=broken)
        with place.gpu_service() as engines:
            fail(place, engines, 1)
        assert place.made == made


def test_a_lost_gpu_is_not_followed_by_the_cpu_as_its_process_ends() -> None:
    place = Wired(WITH_CPU, gpu=lost)
    with place.gpu_service() as engines, pytest.raises(EngineLost):
        hear(place, engines)
    assert place.made == ["cuda"]


def test_where_both_fail_both_reasons_are_told() -> None:
    place = Wired(WITH_CPU, gpu=broken, cpu=broken)
    with (
        place.gpu_service() as engines,
        pytest.raises(EngineFailed, match="on the GPU: the kernel failed; on the CPU: the kernel failed"),
    ):
        hear(place, engines)


def test_a_broken_gpu_is_asked_by_three_files_and_then_rests(lines: Lines) -> None:
    place = Wired(ON_GPU, gpu=broken)
    with place.gpu_service() as engines:
        assert engines.facts().gpu == "ready"
        fail(place, engines, 3)
        with pytest.raises(EngineUnavailable):
            hear(place, engines, name="next.mp3")
        facts = engines.facts()
        assert (facts.gpu, facts.gpu_breaker) == ("unavailable", "open")
        assert engines.heartbeat().breaker == "open"
        assert place.breakers.to_json() == {
            "parakeet": {"breaker": "open", "failures": 3, "retry_in_s": 30.0, "code": "engine_failed"}
        }
    (line,) = [line for line in lines.read_all() if "breaker" in line]
    assert (line["severity"], line["message"]) == ("ERROR", "the circuit breaker of parakeet is open")


def test_after_its_rest_the_gpu_is_ready_for_one_file_to_try() -> None:
    place = Wired(ON_GPU, gpu=broken)
    with place.gpu_service() as engines:
        fail(place, engines, 3)
        place.clock.advance(REST_S)
        facts = engines.facts()
        assert (facts.gpu, facts.gpu_breaker) == ("ready", "half_open")
        trial = engines.breaker.admit()
        assert trial is not None
        assert engines.facts().gpu == "unavailable"


def test_a_gpu_that_rests_leaves_its_files_to_the_cpu() -> None:
    place = Wired(WITH_CPU, gpu=broken)
    with place.gpu_service() as engines:
        for number in range(3):
            hear(place, engines, name=f"{number}.mp3")
        assert engines.facts().gpu == "unavailable"
        assert hear(place, engines, name="next.mp3") == ["parakeet_cpu"]
        assert hear(place, engines, "parakeet_cpu", name="another.mp3") == ["parakeet_cpu"]


def test_without_a_gpu_one_engine_on_the_cpu_stands_for_both() -> None:
    place = Wired({"PARAKEET_DEVICE": "cpu"})
    with place.gpu_service() as engines:
        assert hear(place, engines, "parakeet_cpu") == ["parakeet_cpu"]
        assert engines.facts().gpu == "unavailable"
        assert engines.facts().gpu_breaker == "closed"
        assert not engines.heartbeat().on_gpu
    assert place.made == ["cpu"]


def test_finished_files_teach_the_speed_of_the_device_that_heard_them() -> None:
    place = Wired(WITH_CPU)
    with place.gpu_service() as engines:
        hear(place, engines)
        place.gpu = broken
        hear(place, engines, "parakeet_cpu")
    (gpu, model, audio_s), (cpu, _, _) = place.speeds.learnt
    assert (model, audio_s) == ("nvidia/parakeet-tdt-0.6b-v2", 60)
    assert cpu.endswith("cores")
    assert not gpu.endswith("cores")


def test_a_failure_teaches_no_speed() -> None:
    place = Wired(ON_GPU, gpu=broken)
    with place.gpu_service() as engines:
        fail(place, engines, 1)
    assert place.speeds.learnt == []


def test_a_heartbeat_tells_device_speed_and_queue() -> None:
    place = Wired({**ON_GPU, "GPU_RTFX": "250"})
    with place.gpu_service() as engines:
        beat = engines.heartbeat()
    assert (beat.on_gpu, beat.model, beat.rtfx, beat.queue_s) == (True, "fake on cuda", 250, 0)
    assert beat.device


def test_deepgram_is_guarded_by_a_breaker_of_its_own() -> None:
    place = Wired({"DEEPGRAM_API_KEY": "made-up"})
    engine = fallback_engine(place.world, place.breakers)
    assert isinstance(engine, Guarded)
    assert (engine.name, engine.model) == ("deepgram", "nova-3")
    assert list(place.breakers.to_json()) == ["deepgram"]


def test_who_asks_is_told_of_every_change_of_a_breaker() -> None:
    place, told = Wired(ON_GPU, gpu=broken), list[int]()
    place.breakers.on_change(lambda: told.append(1))
    with place.gpu_service() as engines:
        fail(place, engines, 3)
    assert told == [1]
