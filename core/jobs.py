"""A job, the claim on it while it is worked on, and the manifest: the one record of its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from core.audio import AudioObject
from core.errors import EngineFailed, IdMismatch

Outcome = Literal["completed", "failed"]

FAILURES_BEFORE_FALLBACK = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One run over one generation of one audio object. Replaying a failed job opens run + 1."""

    audio: AudioObject
    run: int = 1

    @property
    def id(self) -> str:
        """The idempotency key of the audio object's generation."""
        return self.audio.job_id

    @property
    def video_id(self) -> str:
        """The video; empty when the object's name contradicts itself, so that no video is touched."""
        try:
            return self.audio.video_id
        except IdMismatch:
            return ""


@dataclass(frozen=True, slots=True)
class Tenure:
    """An earlier claim of a job's run.

    Args:
        fence: which one.
        engine: who held it.
        claimed: when, by the store's clock.
        seen: the last sign of life, by the store's clock.
        entered: what it cost is known to be in the books.
    """

    fence: int
    engine: str
    claimed: datetime
    seen: datetime
    entered: bool


@dataclass(slots=True)
class Claim:
    """The lease that this delivery holds on a job.

    Args:
        job: what is claimed.
        owner: who holds it.
        fence: grows with every take-over; the outputs of an attempt carry it.
        attempt: how many times the job was claimed, this time included.
        engine_failures: failures so far by engine. What the holder adds is kept when the claim ends.
        confirm: makes sure that the job is still ours, and for a while. Raises AlreadyInProgress when
            somebody has taken it over, Retryable when that can't be told.
        claimed: when, by the store's clock.
        earlier: the claims before this one, in order. Who enters what one of them cost says so here.
        entered: what this attempt cost is in the books. Kept when the claim ends, as are the two above.
    """

    job: Job
    owner: str
    fence: int
    attempt: int
    engine_failures: dict[str, int] = field(default_factory=dict)
    confirm: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)
    claimed: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    earlier: tuple[Tenure, ...] = ()
    entered: bool = False

    def count_failure(self, engine: str, error: EngineFailed) -> bool:
        """Add a failure; True when the engine has had its chances: one deterministic failure, or two."""
        weight = FAILURES_BEFORE_FALLBACK if error.deterministic else 1
        self.engine_failures[engine] = self.engine_failures.get(engine, 0) + weight
        return self.exhausted(engine)

    def exhausted(self, engine: str) -> bool:
        """Whether the engine has failed on this job as often as it may."""
        return self.engine_failures.get(engine, 0) >= FAILURES_BEFORE_FALLBACK


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """One output: staged under the state bucket, then promoted to its public name."""

    kind: str
    staged: str
    bucket: str
    name: str
    content_type: str

    @property
    def uri(self) -> str:
        """The public place."""
        return f"gs://{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The outcome of a job's run, written once and never replaced.

    Args:
        job: what it is the outcome of.
        outcome: completed or failed.
        fence: the attempt that won.
        time: ISO 8601, in UTC.
        body: the figures that the terminal event carries.
        files: the outputs; none when failed.
    """

    job: Job
    outcome: Outcome
    fence: int
    time: str
    body: Mapping[str, Any]
    files: tuple[PlacedFile, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; from_json reads them back."""
        return {
            "schema": 1,
            "job_id": self.job.id,
            "run": self.job.run,
            "audio": audio_to_json(self.job.audio),
            "outcome": self.outcome,
            "fence": self.fence,
            "time": self.time,
            "body": dict(self.body),
            "files": [asdict(file) for file in self.files],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Manifest":
        """Read what to_json wrote."""
        return cls(
            job=Job(audio_from_json(values["audio"]), values["run"]),
            outcome=values["outcome"],
            fence=values["fence"],
            time=values["time"],
            body=values["body"],
            files=tuple(PlacedFile(**file) for file in values["files"]),
        )


def audio_to_json(audio: AudioObject) -> dict[str, Any]:
    """An audio object as JSON values; the generation as a string, since it exceeds what a double holds."""
    return {
        "bucket": audio.bucket,
        "name": audio.name,
        "generation": str(audio.generation),
        "size_bytes": audio.size_bytes,
        "content_type": audio.content_type,
        "metadata": dict(audio.metadata),
    }


def audio_from_json(values: Mapping[str, Any]) -> AudioObject:
    """Read what audio_to_json wrote.

    Raises:
        KeyError, TypeError, ValueError, AttributeError, OverflowError: a field is missing or of another kind.
    """
    return AudioObject(
        bucket=str(values["bucket"]),
        name=str(values["name"]),
        generation=int(values["generation"]),
        size_bytes=int(values["size_bytes"]),
        content_type=str(values.get("content_type") or ""),
        metadata={str(key): str(value) for key, value in (values.get("metadata") or {}).items()},
    )
