"""The nouns of routing: what is known of a file and of the engines, what is allowed, and what was decided."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from core.breaker import State
from core.cost import Rates, cpu_cost, deepgram_cost, gpu_cost
from core.jobs import Job

Method = Literal["parakeet", "parakeet_cpu", "deepgram", "hybrid"]
Gpu = Literal["ready", "cold", "unavailable"]

_WAITING_WEIGHT = {"low": 0.0, "high": 10.0}


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of one file.

    Args:
        name: the object, for messages.
        video_id: decides the rollout bucket.
        duration_s: seconds of audio.
        language: a BCP 47 tag such as en or pt-BR; empty means English.
        engine: the engine that the object's metadata asks for: parakeet, deepgram, hybrid, or empty.
        priority: low, normal or high, from the object's metadata. It weighs the price of waiting: low
            waits for free, high pays ten times as much.
    """

    name: str
    video_id: str
    duration_s: float
    language: str = ""
    engine: str = ""
    priority: str = "normal"

    @classmethod
    def of(cls, job: Job, duration_s: float = 0.0) -> "FileFacts":
        """What is known of a job; whoever uploaded the audio may have said more in its metadata."""
        said = job.audio.metadata
        return cls(
            name=job.audio.uri,
            video_id=job.video_id,
            duration_s=duration_s,
            language=said.get("language", ""),
            engine=said.get("engine", ""),
            priority=said.get("priority", "normal"),
        )

    @property
    def spoken(self) -> str:
        """The primary language, in lower case."""
        return self.language.replace("_", "-").split("-")[0].strip().lower() or "en"

    @property
    def wish(self) -> str:
        """The engine asked for, in lower case; empty when any will do."""
        wish = self.engine.strip().lower()
        return "" if wish == "auto" else wish


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What is known of the engines.

    Args:
        gpu: ready (an instance is warm), cold (one would have to start), unavailable (unhealthy or absent).
        gpu_breaker: of Parakeet on the GPU. Where it is not closed, an unavailable GPU is one that failed.
        queue_s: seconds of work ahead of this file on the GPU.
        parakeet_rtfx: as learnt on this device. 100 is a cautious start below the 123 to 238 that others
            report for an L4.
        cpu_rtfx: the same on the CPU. 2 is an assumption until files have taught it.
        deepgram_rtfx: as learnt. 120 follows Deepgram's own claim of an hour in about 30 seconds.
        start_s: from nothing to a loaded model. 60 is an assumption until measured.
        deepgram_available: a key is set. An outage is no fact of routing but a failure to try again.
    """

    gpu: Gpu = "ready"
    gpu_breaker: State = "closed"
    queue_s: float = 0.0
    parakeet_rtfx: float = 100.0
    cpu_rtfx: float = 2.0
    deepgram_rtfx: float = 120.0
    start_s: float = 60.0
    deepgram_available: bool = True

    @property
    def wake_s(self) -> float:
        """Seconds until the GPU can work."""
        return self.start_s if self.gpu == "cold" else 0.0


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """Every setting that routing obeys; the settings describe them one by one.

    hybrid_available says whether one file can be split over two engines in this version. Where it can't,
    the matrix moves on to the next method that is allowed.
    """

    method: Literal["auto", "parakeet", "deepgram", "hybrid"] = "auto"
    enable_gpu: bool = True
    force_deepgram: bool = False
    allow_deepgram: bool = True
    enable_fallback: bool = True
    allow_cpu_parakeet: bool = False
    cost_optimization: bool = True
    short_s: float = 2 * 3600.0
    long_s: float = 4 * 3600.0
    hybrid_split_s: float = 2.5 * 3600.0
    hybrid_available: bool = False
    rollout_percent: float = 100.0
    rollout_video_ids: frozenset[str] = frozenset()
    parakeet_languages: frozenset[str] = frozenset({"en"})
    max_turnaround_s: float = 7200.0
    rates: Rates = field(default_factory=Rates)
    deepgram_model: str = "nova-3"
    waiting_usd_per_minute: float = 0.01


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a code for machines, a sentence for people."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a method would take and cost."""

    seconds: float
    usd: float


@dataclass(frozen=True, slots=True)
class Route:
    """The decision, with all of its reasons in the order in which they were found."""

    method: Method
    reasons: tuple[Reason, ...]
    predicted_s: float
    predicted_cost_usd: float


def sentences(reasons: Sequence[Reason]) -> str:
    """All reasons as one line."""
    return "; ".join(reason.sentence for reason in reasons)


def plain(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    """All reasons as JSON values."""
    return [{"code": reason.code, "sentence": reason.sentence} for reason in reasons]


def rollout_bucket(video_id: str) -> float:
    """A place in [0, 100) that a video keeps for ever, on every machine, in steps of 0.01."""
    return int.from_bytes(sha256(video_id.encode()).digest()[:8], "big") % 10_000 / 100


def predict(method: Method, file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> Prediction:
    """Seconds until the transcript exists, and USD billed for it.

    A cold GPU is billed for its start and for its idle tail; a warm one runs in any case. Work ahead of the
    file is waited for, but paid by its own jobs.
    """
    if method == "parakeet":
        return _on_gpu(file.duration_s, engines, policy)
    if method == "parakeet_cpu":
        seconds = file.duration_s / engines.cpu_rtfx
        return Prediction(seconds, cpu_cost(seconds, policy.rates))
    if method == "deepgram":
        return _on_deepgram(file.duration_s, engines, policy)
    return _on_both(file.duration_s, engines, policy)


def score_usd(prediction: Prediction, file: FileFacts, policy: RoutingPolicy) -> float:
    """The cost plus the price of waiting: the lowest wins."""
    weight = _WAITING_WEIGHT.get(file.priority.strip().lower(), 1.0)
    return prediction.usd + weight * policy.waiting_usd_per_minute * prediction.seconds / 60


def _on_gpu(audio_s: float, engines: EngineFacts, policy: RoutingPolicy) -> Prediction:
    work_s = audio_s / engines.parakeet_rtfx
    idle_s = policy.rates.idle_tail_s if engines.gpu == "cold" else 0.0
    usd = gpu_cost(engines.wake_s + work_s + idle_s, policy.rates)
    return Prediction(engines.queue_s + engines.wake_s + work_s, usd)


def _on_deepgram(audio_s: float, engines: EngineFacts, policy: RoutingPolicy) -> Prediction:
    usd = deepgram_cost(audio_s, policy.rates, policy.deepgram_model)
    return Prediction(audio_s / engines.deepgram_rtfx, usd)


def _on_both(audio_s: float, engines: EngineFacts, policy: RoutingPolicy) -> Prediction:
    """Parakeet hears the audio up to the split while Deepgram hears the rest."""
    head_s = min(audio_s, policy.hybrid_split_s)
    head = _on_gpu(head_s, engines, policy)
    tail = _on_deepgram(audio_s - head_s, engines, policy)
    return Prediction(max(head.seconds, tail.seconds), head.usd + tail.usd)
