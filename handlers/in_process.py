"""The service in one process: both use cases over memory, and what one topic would carry to the other."""

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np

from core.audio import AudioObject
from core.billing import Usage
from core.errors import EngineFailed, EngineLost, KlipscribeError, NoRoute, Retryable, as_raised
from core.events import Event
from core.jobs import Job, Manifest
from core.ports import SAMPLE_RATE_HZ, AudioReader, Engine
from core.routing import EngineFacts
from core.transcription import Transcription
from core.windowed import WindowedEngine
from handlers.arguments import object_name
from handlers.bootstrap import fallback_in, ledger_over, transcription_in
from handlers.breakers import Breakers
from handlers.call import LEARNT, Call, CallStore
from handlers.engines import fallback_engine, gpu_engines
from handlers.world import World
from infra.audio_processes import ProcessReader
from infra.clock import SystemClock
from infra.local.memory import MemoryStore
from infra.settings import Settings
from infra.speeds import ObjectSpeeds

log = logging.getLogger("klipscribe")

DELIVERIES = 4
"""How often a use case is asked after its engine failed: two failures of its own, two of others."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What can hear in this process.

    Args:
        here: engines of the GPU service by routing method.
        deepgram: the fallback's; None without a key.
        facts: what is known of these engines now.
        windowed: those whose models are loaded when first used.
    """

    here: Mapping[str, Engine]
    deepgram: Engine | None
    facts: Callable[[], EngineFacts]
    windowed: tuple[WindowedEngine, ...] = ()

    def warm(self) -> None:
        """Load the models, by a second of silence. Raises EngineFailed."""
        for engine in self.windowed:
            with engine.scheduler.line("warm-up") as line:
                line.submit(np.zeros(SAMPLE_RATE_HZ, np.int16)).result()

    def close(self) -> None:
        """End the threads of the models."""
        for engine in self.windowed:
            engine.scheduler.close()


Make = Callable[[World, Breakers, Callable[[EngineLost], None]], Engines]


def engines_in(world: World, breakers: Breakers, on_lost: Callable[[EngineLost], None]) -> Engines:
    """The engines of both services, as these wire them."""
    gpu = gpu_engines(world, breakers, on_lost)
    deepgram = fallback_engine(world, breakers) if world.settings.deepgram_available else None
    return Engines(gpu.by_method, deepgram, gpu.facts, (gpu.windowed,))


class _Unheard:
    """core.ports.Publisher where nobody subscribes."""

    def publish(self, topic: str, event: Event) -> None:
        """Let the event go."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one file.

    Args:
        manifest: the outcome.
        outputs: bytes by kind; none when it failed.
        usages: what the engines did in the attempt that ended it.
    """

    manifest: Manifest
    outputs: Mapping[str, bytes]
    usages: tuple[Usage, ...]

    @property
    def error(self) -> KlipscribeError | None:
        """Why there are no outputs; None where there are."""
        if self.manifest.outcome == "completed":
            return None
        return as_raised(self.manifest.body["code"], self.manifest.body["message"])


class InProcess:
    """Transcribes files of this machine, several at a time; models stay loaded.

    Args:
        settings: as of the cloud's services.
        reader: probes and decodes.
        make: makes the engines; done again after a device was lost, since no other process takes its place.
    """

    def __init__(
        self, settings: Settings, reader: AudioReader | None = None, make: Make = engines_in
    ) -> None:
        self._settings = settings
        self._clock = SystemClock()
        self._store = MemoryStore(self._clock)
        self._speeds = ObjectSpeeds(self._store, settings.state_bucket, self._clock)
        self._reader = reader or ProcessReader(settings.max_concurrent_chunks)
        self._make = make
        self._lock = Lock()
        self._made: Engines | None = None
        self._calls = 0
        self._breakers = Breakers(self._clock)

    def transcribe(self, path: Path, video_id: str, call: Call | None = None) -> Heard:
        """Carry one file to its outcome.

        Raises:
            KlipscribeError: no outcome could be reached; a file that can't be transcribed has one.
            Abandoned: nobody waits for the call any more.
            OSError: the file can't be read.
        """
        call = call or Call()
        store = CallStore(self._store, call)
        job = self._job(path, video_id)
        with self._lock:
            self._calls += 1
        try:
            manifest = _about(path, self._carried(self._world(store), job, call))
            # The staged ones: public names belong to the video, and another call may write them meanwhile.
            state = self._settings.state_bucket
            outputs = {file.kind: store.read(state, file.staged) for file in manifest.files}
            return Heard(manifest, outputs, call.usages)
        except KlipscribeError as error:
            error.args = (str(error).replace(job.audio.uri, str(path)),)
            raise
        finally:
            store.forget()
            self._store.delete(job.audio.bucket, job.audio.name)
            self._idle()

    def warm(self) -> None:
        """Load the model that the settings would use here, if any. Raises EngineFailed."""
        settings = self._settings
        elsewhere = settings.force_deepgram_transcription or settings.transcription_method == "deepgram"
        has_gpu = settings.enable_gpu_transcription and self._world(self._store).engine_facts().gpu == "ready"
        if not elsewhere and (has_gpu or settings.allow_cpu_parakeet):
            self._engines().warm()

    def close(self) -> None:
        """End threads and processes; to be called when nothing is heard any more."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()
        if isinstance(self._reader, ProcessReader):
            self._reader.close()

    def _job(self, path: Path, video_id: str) -> Job:
        """The file as an object under a name of its own, so that two calls for one file don't meet."""
        bucket, name = self._settings.audio_bucket, f"{uuid.uuid4().hex}/{object_name(path)}"
        metadata = {"video_id": video_id}
        stored = self._store.link(bucket, name, path, metadata)
        return Job(AudioObject(bucket, name, stored.generation, stored.size_bytes, "", metadata))

    def _carried(self, world: World, job: Job, call: Call) -> Manifest:
        result = self._delivered(lambda: self._here(world, call), job)
        if isinstance(result, Event):
            codes = ",".join(reason["code"] for reason in result.data["reasons"])
            log.info("handed over to the fallback", extra={"outcome": "fallback", "reasons": codes})
            fallback = self._fallback(world, job, call)
            result = self._delivered(lambda: fallback, job)
        if isinstance(result, Event):
            raise EngineFailed(f"{job.audio.uri}: the fallback handed the file on, and nobody is left")
        return result

    def _delivered(self, use_case: Callable[[], Transcription], job: Job) -> Manifest | Event:
        """Deliver again what the engine failed at, as a subscription does; the ledger counts the failures."""
        for left in reversed(range(DELIVERIES)):
            try:
                return use_case().run(job)
            except (EngineFailed, Retryable) as error:
                # Storage, network and quota have been tried often enough by their adapters.
                if not left or not error.code.startswith("engine_"):
                    raise
                log.warning("to be delivered again: %s", error, extra={"code": error.code})
        raise AssertionError("unreachable: the last delivery raises")

    def _here(self, world: World, call: Call) -> Transcription:
        engines = self._engines()
        watched = {method: call.watched(engine) for method, engine in engines.here.items()}
        return transcription_in(world, watched, engines.facts)

    def _fallback(self, world: World, job: Job, call: Call) -> Transcription:
        deepgram = self._engines().deepgram
        if deepgram is None:
            raise NoRoute(job.audio.uri, "no Deepgram key is set")
        return fallback_in(world, call.watched(deepgram))

    def _engines(self) -> Engines:
        with self._lock:
            if self._made is None:
                self._made = self._make(self._world(self._store), self._breakers, self._lost)
            return self._made

    def _idle(self) -> None:
        """Forget what engines keep for a later delivery of a job, once there is no job left."""
        with self._lock:
            self._calls -= 1
            if self._calls:
                return
            state = self._settings.state_bucket
            for found in self._store.list(state):
                if not found.name.startswith(LEARNT):
                    self._store.delete(state, found.name)

    def _lost(self, lost: EngineLost) -> None:
        log.error("the engine is lost, the next file gets a new one: %s", lost, extra={"code": lost.code})
        with self._lock:
            self._made = None

    def _world(self, store: MemoryStore | CallStore) -> World:
        return World(
            settings=self._settings,
            store=store,
            publisher=_Unheard(),
            clock=self._clock,
            reader=self._reader,
            ledger=ledger_over(store, self._settings, self._clock, "in-process"),
            speeds=self._speeds,
        )


def _about(path: Path, manifest: Manifest) -> Manifest:
    """The outcome with the file's path in its message, in the place of the object's name."""
    if "message" not in manifest.body:
        return manifest
    message = str(manifest.body["message"]).replace(manifest.job.audio.uri, str(path))
    return replace(manifest, body={**manifest.body, "message": message})
