"""The adapters that every use case shares, and the small parts that are made of them."""

from dataclasses import dataclass, field, replace

from core.heartbeat import facts_from
from core.outcomes import Outcomes
from core.ports import AudioReader, Clock, Ledger, ObjectStore, Publisher, Speeds
from core.routing import EngineFacts, Gpu, at_best
from core.speeds import Unmeasured
from core.transcription import Intake, Topics
from handlers.once import once
from infra.gpu import device_name, runs_on_gpu
from infra.heartbeat import Pulse
from infra.settings import Settings

DEEPGRAM = "deepgram"
_DEFAULTS = EngineFacts()


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What the use cases are wired from.

    Args:
        speeds: what finished files have taught.
        pulse: what the GPU service says of itself; None where nobody can tell.
    """

    settings: Settings
    store: ObjectStore
    publisher: Publisher
    clock: Clock
    reader: AudioReader
    ledger: Ledger
    speeds: Speeds = field(default_factory=Unmeasured)
    pulse: Pulse | None = None

    @property
    def topics(self) -> Topics:
        """Where events go."""
        return Topics(
            requested=self.settings.topic_requested,
            fallback=self.settings.topic_fallback,
            progress=self.settings.topic_progress,
        )

    @property
    def intake(self) -> Intake:
        """What looks at objects first."""
        return Intake(store=self.store, reader=self.reader, max_bytes=self.settings.max_file_bytes)

    @property
    def outcomes(self) -> Outcomes:
        """What makes outcomes public."""
        return Outcomes(
            store=self.store,
            ledger=self.ledger,
            publisher=self.publisher,
            clock=self.clock,
            state_bucket=self.settings.state_bucket,
            transcript_bucket=self.settings.transcript_bucket,
            completed_topic=self.settings.topic_completed,
        )

    @property
    def has_gpu(self) -> bool:
        """Whether Parakeet runs on a GPU on this machine."""
        return runs_on_gpu(self.settings.parakeet_device)

    @property
    def device(self) -> str:
        """What Parakeet runs on, on this machine."""
        return _gpu() if self.has_gpu else _cpu()

    @property
    def rtfx_here(self) -> float:
        """The speed of Parakeet on this machine, by which waits are predicted."""
        facts = self.engine_facts()
        return facts.parakeet_rtfx if self.has_gpu else facts.cpu_rtfx

    def engine_facts(self) -> EngineFacts:
        """What is known of the engines on this instance, but for what only the engines know: GPU service."""
        model = self.settings.parakeet_model_name
        gpu = self.speeds.rtfx(_gpu(), model) if self.has_gpu else None
        cpu = self.speeds.rtfx(_cpu(), model)
        deepgram = self.speeds.rtfx(DEEPGRAM, self.settings.deepgram_model)
        return self._as_set(
            EngineFacts(
                gpu="ready" if self.has_gpu else "unavailable",
                parakeet_rtfx=gpu or _DEFAULTS.parakeet_rtfx,
                cpu_rtfx=cpu or _DEFAULTS.cpu_rtfx,
                deepgram_rtfx=deepgram or _DEFAULTS.deepgram_rtfx,
                deepgram_available=self.settings.deepgram_available,
            )
        )

    def facts_from_afar(self) -> EngineFacts:
        """What is known of the engines on an instance that has none itself: ingest.

        A GPU that never said anything is cold, unless PARAKEET_DEVICE says that there is none. Where nobody
        can be asked, the GPU may be in the best of states.
        """
        here = self.engine_facts()
        seen = self.pulse.seen() if self.pulse else None
        if seen is None:
            return at_best(here)
        gpu: Gpu = "unavailable" if self.settings.parakeet_device == "cpu" else "cold"
        return self._as_set(facts_from(seen, replace(here, gpu=gpu)))

    def learn_here(self, audio_s: float, work_s: float) -> None:
        """A file has been heard on the device that Parakeet runs on."""
        self.learn(audio_s, work_s, on_gpu=self.has_gpu)

    def learn(self, audio_s: float, work_s: float, *, on_gpu: bool) -> None:
        """A file has been heard on this machine's GPU or CPU."""
        device = _gpu() if on_gpu else _cpu()
        self.speeds.learn(device, self.settings.parakeet_model_name, audio_s, work_s)

    def _as_set(self, facts: EngineFacts) -> EngineFacts:
        """A speed that somebody has set wins over what was learnt."""
        return replace(
            facts,
            parakeet_rtfx=self.settings.gpu_rtfx or facts.parakeet_rtfx,
            cpu_rtfx=self.settings.cpu_rtfx or facts.cpu_rtfx,
        )


@once
def _gpu() -> str:
    return device_name(on_gpu=True)


@once
def _cpu() -> str:
    return device_name(on_gpu=False)
