"""The messages between the parts, as CloudEvents. core/schemas/ holds one JSON Schema per type.

Terminal events have an id made of job, run and outcome alone, so that publishing one again is harmless.
The others also carry the fence of the attempt that speaks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import MalformedMessage
from core.jobs import Claim, Job, Manifest, audio_from_json, audio_to_json
from core.routing import Reason, plain

SOURCE = "klipscribe"
TYPE_PREFIX = "com.klipstream.transcription"
REQUESTED = f"{TYPE_PREFIX}.requested.v1"
FALLBACK_REQUESTED = f"{TYPE_PREFIX}.fallback-requested.v1"
STARTED = f"{TYPE_PREFIX}.started.v1"
PROGRESS = f"{TYPE_PREFIX}.progress.v1"
COMPLETED = f"{TYPE_PREFIX}.completed.v1"
FAILED = f"{TYPE_PREFIX}.failed.v1"
TYPES = (REQUESTED, FALLBACK_REQUESTED, STARTED, PROGRESS, COMPLETED, FAILED)


@dataclass(frozen=True, slots=True)
class Event:
    """One CloudEvents 1.0 event.

    Args:
        id: deterministic; (source, id) lets a subscriber drop duplicates.
        type: one of the types above.
        subject: the gs:// URI of the audio.
        time: when it happened, in UTC.
        data: the body, as plain JSON values.
        attributes: further message attributes, for filters.
        source: who speaks.
    """

    id: str
    type: str
    subject: str
    time: datetime
    data: Mapping[str, Any]
    attributes: Mapping[str, str] = field(default_factory=dict)
    source: str = SOURCE


def requested(job: Job, time: datetime) -> Event:
    """Ask the GPU to transcribe."""
    return _event(job, REQUESTED, "requested", time, {"audio": audio_to_json(job.audio)})


def fallback_requested(job: Job, time: datetime, reasons: Sequence[Reason]) -> Event:
    """Ask Deepgram to transcribe, and say why."""
    body = {"audio": audio_to_json(job.audio), "reasons": plain(reasons)}
    return _event(job, FALLBACK_REQUESTED, "fallback-requested", time, body)


def started(claim: Claim, time: datetime, engine: str) -> Event:
    """An attempt has begun."""
    return _event(
        claim.job, STARTED, f"started/{claim.fence}", time, {"attempt": claim.attempt, "engine": engine}
    )


def progress(claim: Claim, time: datetime, stage: str) -> Event:
    """An attempt has reached a stage."""
    return _event(
        claim.job,
        PROGRESS,
        f"progress/{claim.fence}/{stage}",
        time,
        {"attempt": claim.attempt, "stage": stage},
    )


def terminal(manifest: Manifest, *, superseded: bool) -> Event:
    """The outcome, as other services see it. The same manifest gives the same id, however often."""
    job, files = manifest.job, {file.kind: file.uri for file in manifest.files}
    body = {**manifest.body, "outcome": manifest.outcome, "superseded": superseded}
    attributes = {"outcome": manifest.outcome, "superseded": str(superseded).lower()}
    if manifest.outcome == "failed":
        attributes["code"] = body["code"]
    else:
        body["files"] = files
    kind = COMPLETED if manifest.outcome == "completed" else FAILED
    return _event(job, kind, manifest.outcome, datetime.fromisoformat(manifest.time), body, attributes)


def job_of(data: Mapping[str, Any]) -> Job:
    """The job that a requested or fallback-requested event speaks of.

    Raises:
        MalformedMessage: a field is missing or of another kind, the run is below 1, or the id is not that of
            the audio.
    """
    try:
        job = Job(audio_from_json(data["audio"]), int(data["run"]))
        claimed, made = str(data["job_id"]), job.id
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise MalformedMessage(
            f"the request lacks a field or holds a wrong kind of value ({type(error).__name__}: {error}); "
            "expected job_id, run and audio with bucket, name, generation, size_bytes"
        ) from error
    if job.run < 1:
        raise MalformedMessage(f"the request says run {job.run}, expected 1 or more")
    if claimed != made:
        raise MalformedMessage(f"the request says job {claimed}, its audio makes {made}")
    return job


def _event(  # noqa: PLR0913, PLR0917 - private; each argument is a field of the event
    job: Job,
    kind: str,
    step: str,
    time: datetime,
    body: Mapping[str, Any],
    attributes: Mapping[str, str] | None = None,
) -> Event:
    data = {
        "job_id": job.id,
        "run": job.run,
        "video_id": job.video_id,
        "audio_uri": job.audio.uri,
        "generation": str(job.audio.generation),
        **body,
    }
    known = {"job_id": job.id, "generation": str(job.audio.generation), "video_id": job.video_id}
    return Event(
        id=f"{job.id}/{job.run}/{step}",
        type=kind,
        subject=job.audio.uri,
        time=time,
        data=data,
        attributes={**known, **(attributes or {})},
    )
