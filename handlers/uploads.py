"""Files into the audio bucket, and what comes of them."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console

from core.audio import AudioObject
from infra.gcs import GcsStore, storage_client
from infra.pubsub import subscriber_client
from infra.settings import Settings
from infra.subscribe import Stream, subscribed


def upload_files(
    settings: Settings, files: Sequence[Path], video_id: str, *, wait_s: float | None, console: Console
) -> bool:
    """Upload; with wait_s, also wait for every outcome. Whether any file failed or stayed without outcome."""
    with ExitStack() as stack:
        seen = None
        if wait_s is not None:
            client = stack.enter_context(subscriber_client(settings.pubsub_emulator_host))
            project, topic = settings.google_cloud_project, settings.topic_completed
            seen = stack.enter_context(subscribed(client, project, topic))
        store = GcsStore(storage_client(settings.google_cloud_project, settings.storage_emulator_host))
        jobs = {}
        for path in files:
            audio = put(store, settings.audio_bucket, path, {"video_id": video_id} if video_id else {})
            console.print(f"uploaded {path} to {audio.uri}", soft_wrap=True, markup=False)
            jobs[audio.job_id] = path
        if seen is None or wait_s is None:
            return False
        return _report(wait_for(seen, set(jobs), wait_s), jobs, console)


def put(store: GcsStore, bucket: str, path: Path, metadata: Mapping[str, str]) -> AudioObject:
    """Upload one file. With a numeric id among the metadata it gets the pipeline's name for that video."""
    video_id = metadata.get("video_id", "")
    name = f"{video_id}/audio_{video_id}{path.suffix}" if video_id.isdecimal() else path.name
    stored = store.upload(bucket, name, path, metadata)
    return AudioObject(bucket, name, stored.generation, stored.size_bytes, stored.content_type, metadata)


def wait_for(seen: Stream, jobs: set[str], wait_s: float) -> dict[str, dict[str, Any]]:
    """The outcome of each job, as far as they arrive within a pause of wait_s between two of them."""
    found: dict[str, dict[str, Any]] = {}
    while jobs - found.keys():
        event = seen.next(wait_s)
        if event is None:
            return found
        if event["job_id"] in jobs:
            found[event["job_id"]] = event
    return found


def _report(found: Mapping[str, Mapping[str, Any]], jobs: Mapping[str, Path], console: Console) -> bool:
    for job_id, path in jobs.items():
        event = found.get(job_id)
        if event is None:
            console.print(f"{path}: no outcome in time", soft_wrap=True, markup=False)
        elif event["outcome"] == "failed":
            console.print(
                f"{path}: failed, {event['code']}: {event['message']}", soft_wrap=True, markup=False
            )
        else:
            console.print(
                f"{path}: {event['words_count']} words by {event['engine']}, {event['files']['words']}",
                soft_wrap=True,
                markup=False,
            )
    return any(job not in found or found[job]["outcome"] == "failed" for job in jobs)
