"""The engines of both services, by routing method, each composed of wrappers around the one that hears.

GPU service   parakeet      WithCpu(Guarded(Metered(windows on the GPU)), below), where the CPU is allowed
              parakeet_cpu  Metered(windows on the CPU), made when it is first asked
fallback      deepgram      Guarded(Teaching(DeepgramEngine))

Without a GPU, one engine on the CPU stands for both of the first.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from core.audio import AudioInfo
from core.breaker import Breaker
from core.errors import EngineLost, KlipscribeError
from core.guarded import Guarded, blames_deepgram, blames_parakeet
from core.heartbeat import Heartbeat
from core.metering import InstanceMeter, Metered
from core.ports import AudioReader, Clock, Engine
from core.routing import EngineFacts
from core.teaching import Teaching
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from core.with_cpu import Deferred, WithCpu
from handlers.breakers import Breakers
from handlers.engine import windowed_engine
from handlers.once import once
from handlers.world import DEEPGRAM, World
from infra import models
from infra.deepgram import MAX_TIMEOUT_S, DeepgramEngine
from infra.engine_options import Device, EngineOptions
from infra.gpu import runs_on_gpu
from infra.parakeet import ParakeetRecognizer
from infra.settings import Settings

log = logging.getLogger("klipscribe.engines")

Heard = Callable[[float, float], object]
Make = Callable[..., WindowedEngine]
OnInstance = Literal["parakeet", "parakeet_cpu"]
_DEFAULTS = EngineFacts()


@dataclass(frozen=True, kw_only=True, slots=True)
class GpuEngines:
    """What the GPU service hears with.

    Args:
        by_method: the engines.
        windowed: the one on the instance's own device, with the queue in front of it.
        breaker: of that one.
        world: what is known besides.
    """

    by_method: Mapping[str, Engine]
    windowed: WindowedEngine
    breaker: Breaker
    world: World

    def facts(self) -> EngineFacts:
        """What is known of the engines at this moment, as only their own instance can know it."""
        status, facts = self.breaker.status, self.world.engine_facts()
        rests = not status.admits
        return replace(
            facts,
            gpu="unavailable" if rests else facts.gpu,
            gpu_breaker=status.state,
            queue_s=self.windowed.queue_s,
        )

    def heartbeat(self) -> Heartbeat:
        """What this instance tells others of itself."""
        return Heartbeat(
            on_gpu=self.world.has_gpu,
            device=self.world.device,
            model=self.windowed.model,
            rtfx=self.world.rtfx_here,
            queue_s=self.windowed.queue_s,
            breaker=self.breaker.status.state,
        )


def gpu_engines(
    world: World,
    breakers: Breakers,
    on_lost: Callable[[EngineLost], None] = lambda lost: None,  # noqa: ARG005 - nobody to tell
    *,
    started_s: float | None = None,
    make: Make | None = None,
) -> GpuEngines:
    """The engines of the GPU service.

    Args:
        world: what they are wired from.
        breakers: where theirs are to be seen.
        on_lost: told that the device is gone.
        started_s: when the instance started, on the clock's monotonic time; now without.
        make: makes Parakeet as parakeet_engine does, which it is without.
    """
    make = make or parakeet_engine
    meter, breaker = InstanceMeter(world.clock, started_s), breakers.of("parakeet")
    windowed = make(
        world.settings, world.reader, on_lost, assumed_rtfx=world.rtfx_here, on_heard=world.learn_here
    )

    def guarded(runner: OnInstance) -> Engine:
        return Guarded(Metered(windowed, meter, runner), breaker, blames_parakeet)

    cpu = _second_on_cpu(world, meter, windowed, make) if world.has_gpu else guarded("parakeet_cpu")
    gpu = guarded("parakeet")
    if world.has_gpu and world.settings.allow_cpu_parakeet:
        gpu = WithCpu(gpu, cpu, partial(_fits_cpu, world), _on_step)
    return GpuEngines(
        by_method={"parakeet": gpu, "parakeet_cpu": cpu}, windowed=windowed, breaker=breaker, world=world
    )


def fallback_engine(world: World, breakers: Breakers) -> Engine:
    """The engine of the fallback: Deepgram."""
    learn = partial(world.speeds.learn, DEEPGRAM, world.settings.deepgram_model)
    taught = Teaching(deepgram_engine(world.settings, world.clock), learn)
    return Guarded(taught, breakers.of("deepgram"), blames_deepgram)


def parakeet_engine(  # noqa: PLR0913 - wired by keyword
    settings: Settings,
    reader: AudioReader,
    on_lost: Callable[[EngineLost], None] = lambda lost: None,  # noqa: ARG005 - nobody to tell
    *,
    device: Device | None = None,
    assumed_rtfx: float | None = None,
    on_heard: Heard = lambda audio_s, work_s: None,  # noqa: ARG005 - nobody to tell
) -> WindowedEngine:
    """Parakeet over windows; the model is loaded when the first window arrives, its file read from now on.

    Args:
        settings: how the model is run.
        reader: decodes.
        on_lost: told that the device is gone.
        device: another one than the settings say.
        assumed_rtfx: by which waits are predicted before the first batch; a default of the device without.
        on_heard: told of each file that was heard.
    """
    models.prefetch(settings.parakeet_model_name)
    spec = WindowSpec(settings.window_s, settings.overlap_s, settings.search_s)
    options = EngineOptions(
        device=device or settings.parakeet_device,
        precision=settings.parakeet_precision,
        attention=settings.parakeet_attention,
        cuda_graphs=settings.parakeet_cuda_graphs,
        compile=settings.parakeet_compile,
        sizes_s=spec.sizes_s,
        memory_limit_gb=settings.gpu_memory_limit_gb,
        batch_size=settings.batch_size,
    )
    on_gpu = runs_on_gpu(options.device)
    set_rtfx, default = (
        (settings.gpu_rtfx, _DEFAULTS.parakeet_rtfx) if on_gpu else (settings.cpu_rtfx, _DEFAULTS.cpu_rtfx)
    )
    return windowed_engine(
        ParakeetRecognizer(settings.parakeet_model_name, options),
        spec,
        reader=reader,
        on_gpu=on_gpu,
        queue_s=settings.queue_s,
        assumed_rtfx=assumed_rtfx or set_rtfx or default,
        on_lost=on_lost,
        on_heard=on_heard,
    )


def metered(engine: WindowedEngine, clock: Clock) -> Mapping[str, Engine]:
    """Parakeet on a GPU and on a CPU, by routing method, each with its own price."""
    meter = InstanceMeter(clock)
    return {runner: Metered(engine, meter, runner) for runner in ("parakeet", "parakeet_cpu")}


def deepgram_engine(settings: Settings, clock: Clock) -> Engine:
    """Deepgram, at the usual place or at another."""
    key = settings.deepgram_api_key
    return DeepgramEngine(
        clock=clock,
        api_key=key.get_secret_value() if key else "",
        model=settings.deepgram_model,
        base_url=settings.deepgram_base_url or None,
        timeout_s=min(MAX_TIMEOUT_S, settings.request_soft_budget_s),
        budget_s=settings.request_soft_budget_s,
    )


def _second_on_cpu(world: World, meter: InstanceMeter, first: WindowedEngine, make: Make) -> Engine:
    """The same model once more, on the CPU of an instance that has a GPU."""

    @once
    def made() -> Engine:
        windowed = make(
            world.settings,
            world.reader,
            device="cpu",
            assumed_rtfx=world.engine_facts().cpu_rtfx,
            on_heard=partial(world.learn, on_gpu=False),
        )
        return Metered(windowed, meter, "parakeet_cpu")

    return Deferred(first.name, first.model, made)


def _fits_cpu(world: World, info: AudioInfo) -> bool:
    return info.duration_s <= world.settings.max_turnaround_s * world.engine_facts().cpu_rtfx


def _on_step(error: KlipscribeError) -> None:
    log.warning("the GPU did not hear this file, the CPU goes on: %s", error, extra={"code": error.code})
