"""Files into the audio bucket, and what comes of them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from core.audio import EXTENSIONS, AudioObject
from core.errors import KlipscribeError
from core.ports import ObjectNotFound
from handlers.arguments import object_name
from infra.credentials import require_cloud
from infra.gcs import GcsStore, storage_client
from infra.pubsub import subscriber_client
from infra.settings import Settings
from infra.subscribe import Stream, subscribed

Outcomes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What to upload.

    Args:
        files: of this machine.
        video_id: the video of the only file; empty for none.
        wait_s: how long to wait for all outcomes together; None not to wait.
    """

    files: Sequence[Path]
    video_id: str
    wait_s: float | None


def upload_files(settings: Settings, request: UploadRequest, results: Console, progress: Console) -> bool:
    """Upload, and wait if asked to. Whether any file failed or stayed without outcome.

    Raises:
        SettingsError: the environment names no cloud.
        Retryable: Pub/Sub can't be reached.
    """
    waiting = request.wait_s is not None
    project = require_cloud(settings, events=waiting)
    store = GcsStore(storage_client(project, settings.storage_emulator_host))
    with _outcomes(settings, project) if waiting else nullcontext() as seen:
        jobs = _upload_all(store, settings.audio_bucket, request, progress if waiting else results, progress)
        failed = len(jobs) < len(request.files)
        if seen is None or request.wait_s is None:
            return failed
        found = wait_for(seen, set(jobs), request.wait_s)
    return _report(found, jobs, results, progress) or failed


def put(store: GcsStore, bucket: str, path: Path, metadata: Mapping[str, str]) -> AudioObject:
    """Upload one file. With a numeric id among the metadata it gets the pipeline's name for that video."""
    video_id = metadata.get("video_id", "")
    name = f"{video_id}/audio_{video_id}{path.suffix}" if video_id.isdecimal() else object_name(path)
    stored = store.upload(bucket, name, path, metadata)
    return AudioObject(bucket, name, stored.generation, stored.size_bytes, stored.content_type, metadata)


def wait_for(seen: Stream, jobs: set[str], wait_s: float) -> dict[str, dict[str, Any]]:
    """The outcome of each job, as far as they arrive in time."""
    found: dict[str, dict[str, Any]] = {}
    deadline_s = time.monotonic() + wait_s
    while jobs - found.keys() and (left_s := deadline_s - time.monotonic()) > 0:
        event = seen.next(left_s)
        if event is not None and event["job_id"] in jobs:
            found[event["job_id"]] = event
    return found


@contextmanager
def _outcomes(settings: Settings, project: str) -> Iterator[Stream]:
    with (
        subscriber_client(settings.pubsub_emulator_host) as client,
        subscribed(client, project, settings.topic_completed) as seen,
    ):
        yield seen


def _upload_all(
    store: GcsStore, bucket: str, request: UploadRequest, uploaded: Console, errors: Console
) -> dict[str, Path]:
    """The files that arrived, by job."""
    metadata = {"video_id": request.video_id} if request.video_id else {}
    jobs = {}
    for path in request.files:
        if problem := _not_for_ingest(path):
            errors.print(f"error: {problem}")
            continue
        try:
            audio = put(store, bucket, path, metadata)
        except ObjectNotFound:
            errors.print(f"error: {path}: there is no bucket {bucket}, expected the one of AUDIO_BUCKET")
        except (KlipscribeError, OSError) as error:
            errors.print(f"error: {path}: {error}")
        else:
            uploaded.print(f"uploaded {path} to {audio.uri}")
            jobs[audio.job_id] = path
    return jobs


def _not_for_ingest(path: Path) -> str:
    """Why nothing would ever come of the file; ingest passes over what does not end as audio does."""
    if AudioObject("", object_name(path), 0).is_audio:
        return ""
    return f"{path}: unknown extension {path.suffix or '(none)'}, expected one of {' '.join(EXTENSIONS)}"


def _report(found: Outcomes, jobs: Mapping[str, Path], results: Console, errors: Console) -> bool:
    """Print the outcome of each job; whether any has none, or a bad one."""
    for job_id, path in jobs.items():
        event = found.get(job_id)
        if event is None:
            errors.print(f"error: {path}: no outcome in time; its job is {job_id}, see the functions' logs")
        elif event["outcome"] == "failed":
            errors.print(f"error: {path}: failed, {event['code']}: {event['message']}")
        else:
            results.print(
                f"{path}: {event['words_count']} words by {event['engine']}, {event['files']['words']}"
            )
    return any(job not in found or found[job]["outcome"] == "failed" for job in jobs)
