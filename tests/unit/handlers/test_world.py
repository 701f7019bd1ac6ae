"""What each service knows of the engines."""

import pytest

from core.breaker import FAILURES
from core.heartbeat import FRESH_S
from tests.fakes.speeds import FakeSpeeds
from tests.unit.handlers.wired import Wired

MODEL = "parakeet-tdt-0.6b-v2"
ON_GPU = {"PARAKEET_DEVICE": "cuda"}


def known(**rtfx: float) -> FakeSpeeds:
    """Speeds of the gpu, the cpu and of deepgram; the name of a CPU ends with its cores, a GPU's does not."""
    speeds = {("cores", MODEL): rtfx.get("cpu"), ("deepgram", "nova-3"): rtfx.get("deepgram")}
    speeds["", MODEL] = rtfx.get("gpu")
    return FakeSpeeds({key: value for key, value in speeds.items() if value})


def test_what_was_learnt_is_what_is_predicted_with() -> None:
    facts = Wired(ON_GPU, speeds=known(gpu=321.0, deepgram=80.0)).world.engine_facts()
    assert (facts.gpu, facts.parakeet_rtfx, facts.deepgram_rtfx) == ("ready", 321.0, 80.0)


def test_until_then_cautious_figures_stand() -> None:
    facts = Wired(ON_GPU).world.engine_facts()
    assert (facts.parakeet_rtfx, facts.cpu_rtfx, facts.deepgram_rtfx) == (100.0, 2.0, 120.0)


def test_a_speed_that_is_set_wins_over_what_was_learnt() -> None:
    environ = {**ON_GPU, "GPU_RTFX": "77", "CPU_RTFX": "5"}
    world = Wired(environ, speeds=known(gpu=321.0, cpu=9.0)).world
    assert (world.engine_facts().parakeet_rtfx, world.engine_facts().cpu_rtfx) == (77.0, 5.0)
    assert (world.facts_from_afar().parakeet_rtfx, world.rtfx_here) == (77.0, 77.0)


def test_a_machine_without_a_gpu_predicts_with_its_cpu() -> None:
    world = Wired({"PARAKEET_DEVICE": "cpu"}, speeds=known(cpu=9.0)).world
    assert (world.engine_facts().gpu, world.rtfx_here) == ("unavailable", 9.0)


def test_from_afar_a_gpu_that_never_said_anything_is_cold() -> None:
    assert Wired().world.facts_from_afar().gpu == "cold"
    assert Wired({"PARAKEET_DEVICE": "cpu"}).world.facts_from_afar().gpu == "unavailable"


def test_from_afar_a_gpu_that_lives_is_ready_until_it_falls_silent() -> None:
    place = Wired(ON_GPU, speeds=known(gpu=321.0))
    with place.gpu_service() as engines:
        place.beat(engines)
    afar = Wired(clock=place.clock)
    afar.store = place.store
    facts = afar.world.facts_from_afar()
    assert (facts.gpu, facts.parakeet_rtfx) == ("ready", 321.0)
    place.clock.advance(FRESH_S + 1)
    facts = afar.world.facts_from_afar()
    assert (facts.gpu, facts.parakeet_rtfx) == ("cold", 321.0)


def test_from_afar_a_gpu_that_rests_is_unavailable() -> None:
    place = Wired(ON_GPU)
    with place.gpu_service() as engines:
        for number in range(FAILURES):
            call = engines.breaker.admit()
            assert call is not None
            engines.breaker.failed(call, str(number), "engine_failed")
        place.beat(engines)
    facts = place.world.facts_from_afar()
    assert (facts.gpu, facts.gpu_breaker) == ("unavailable", "open")


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_where_nobody_can_be_asked_the_gpu_may_be_in_the_best_of_states(device: str) -> None:
    place = Wired({"PARAKEET_DEVICE": device})
    world = place.world
    facts = type(world)(
        settings=world.settings,
        store=world.store,
        publisher=world.publisher,
        clock=world.clock,
        reader=world.reader,
        ledger=world.ledger,
    ).facts_from_afar()
    assert (facts.gpu, facts.queue_s) == ("ready", 0.0)
