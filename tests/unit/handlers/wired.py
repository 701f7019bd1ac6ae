"""A world of fakes, wired as bootstrap wires the real one, and engines whose model is a fake."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from core.audio import AudioInfo, AudioObject, AudioSource
from core.jobs import Job
from core.ports import SAMPLE_RATE_HZ, Block
from core.windowed import WindowedEngine
from handlers.breakers import Breakers
from handlers.engine import windowed_engine
from handlers.engines import GpuEngines, gpu_engines
from handlers.world import World
from infra import settings
from infra.heartbeat import Heart, Pulse
from infra.ledger import ObjectLedger
from infra.local.memory import MemoryPublisher, MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.recognizer import FakeRecognizer, Script
from tests.fakes.speeds import FakeSpeeds

STATE, AUDIO = "klipscribe-state", "klipstream-vods-raw"
NAME = "2434635255/audio_2434635255.mp3"


class SilentReader:
    """core.ports.AudioReader: every file is so many seconds of silence."""

    def __init__(self, duration_s: float = 60.0) -> None:
        self.duration_s = duration_s

    def probe(self, source: AudioSource) -> AudioInfo:
        return AudioInfo(self.duration_s, 8_000, 1, "mp3")

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        for _ in range(int(self.duration_s)):
            yield Block(np.zeros(SAMPLE_RATE_HZ, np.int16))


def well(stage: str, windows: object) -> None:
    """A script of a model with which nothing is wrong."""


@dataclass
class Wired:
    """The world, and what is wired from it.

    Args:
        environ: the settings.
        gpu, cpu: the scripts of the models on either device.
        made: which devices an engine was made for.
    """

    environ: dict[str, str] = field(default_factory=dict)
    gpu: Script = well
    cpu: Script = well
    duration_s: float = 60.0
    clock: FakeClock = field(default_factory=FakeClock)
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    speeds: FakeSpeeds = field(default_factory=FakeSpeeds)
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)
        self.breakers = Breakers(self.clock)
        self.engines: list[WindowedEngine] = []

    @property
    def world(self) -> World:
        return World(
            settings=settings.load(self.environ),
            store=self.store,
            publisher=self.publisher,
            clock=self.clock,
            reader=SilentReader(self.duration_s),
            ledger=ObjectLedger(store=self.store, bucket=STATE, owner="test", clock=self.clock),
            speeds=self.speeds,
            pulse=Pulse(self.store, STATE, self.clock),
        )

    def make(self, *wiring: Any, device: str = "", **more: Any) -> WindowedEngine:
        """In the place of handlers.engines.parakeet_engine."""
        from core.windows import WindowSpec

        device = device or self.world.settings.parakeet_device
        self.made.append(device)
        script = self.cpu if device == "cpu" else self.gpu
        engine = windowed_engine(
            FakeRecognizer(lambda window: [], f"fake on {device}", script=script),
            WindowSpec(),
            reader=SilentReader(self.duration_s),
            on_gpu=True,
            on_heard=more["on_heard"],
        )
        self.engines.append(engine)
        return engine

    @contextmanager
    def gpu_service(self) -> Iterator[GpuEngines]:
        """Its engines; their threads end with the block."""
        try:
            yield gpu_engines(self.world, self.breakers, make=self.make)
        finally:
            for engine in self.engines:
                engine.scheduler.close()

    def beat(self, engines: GpuEngines) -> None:
        """Tell others of the GPU service."""
        Heart(self.store, STATE, "one", engines.heartbeat).beat()

    def upload(self, name: str = NAME, **metadata: str) -> AudioObject:
        """An object that is really in the store."""
        stored = self.store.write(AUDIO, name, b"ID3", content_type="audio/mpeg", metadata=metadata)
        return AudioObject(AUDIO, name, stored.generation, stored.size_bytes, "audio/mpeg", metadata)

    def job(self, name: str = NAME) -> Job:
        return Job(self.upload(name))

    def source(self, name: str = NAME) -> AudioSource:
        return AudioSource(self.upload(name), self.store)

    @property
    def info(self) -> AudioInfo:
        return AudioInfo(self.duration_s, 8_000, 1, "mp3")
