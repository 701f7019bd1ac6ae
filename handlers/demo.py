"""The demonstration: recordings with known words go through the whole chain, and must come out right."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from core.events import PROGRESS, STARTED
from core.wer import compare_text
from handlers.uploads import put
from infra import settings as environment
from infra.credentials import require_emulators
from infra.gcs import GcsStore, storage_client
from infra.local.cloud import REPLACEABLE, LocalCloud, start
from infra.local.samples import Sample, samples
from infra.pubsub import subscriber_client
from infra.settings import Settings
from infra.subscribe import Stream, subscribed

LONGEST_S = 60.0
"""Recordings above are left to `klipscribe upload`: a demonstration should be over soon."""

PATIENCE_S = 300.0
RECORD_PATIENCE_S = 30.0
FIRST_VIDEO_ID = 2434635255


@contextmanager
def running_cloud(console: Console) -> Iterator[LocalCloud]:
    """The local cloud, for the length of the block.

    Raises:
        SettingsError: no function would start with the environment's settings.
        StartFailed: a server did not start.
    """
    require_emulators(environment.load())
    with tempfile.TemporaryDirectory(prefix="klipscribe-") as folder:
        environ = environment.environment()
        console.print("starting storage, Pub/Sub, Convex, Deepgram and the five functions on this machine")
        if named := [name for name in REPLACEABLE if environ.get(name, "").strip()]:
            console.print(f"no stand-ins for what the environment names: {', '.join(named)}")
        cloud = start(Path(folder), Path(__file__).with_name("main.py"), environ)
        try:
            yield cloud
        finally:
            try:
                console.print("ending the servers; Ctrl-C kills them")
            finally:  # the terminal may be gone
                cloud.stop()


@dataclass(slots=True)
class Journey:
    """One recording on its way."""

    sample: Sample
    video_id: str
    uploaded: datetime
    steps: list[str] = field(default_factory=list)
    outcome: dict[str, Any] = field(default_factory=dict)

    def take(self, event: dict[str, Any]) -> None:
        """Note what an event says."""
        attributes = event["_attributes"]
        after_s = (datetime.fromisoformat(attributes["ce-time"]) - self.uploaded).total_seconds()
        names = {STARTED: event.get("engine", ""), PROGRESS: event.get("stage", "")}
        self.steps.append(f"{names.get(attributes['ce-type'], event.get('outcome'))} {after_s:.1f} s")
        if "outcome" in event:
            self.outcome = event


def run_demo(console: Console, progress: Console) -> bool:
    """Upload, wait, show, check: whether every transcript was right."""
    with running_cloud(progress) as cloud:
        progress.print(f"Parakeet runs {cloud.model}; the recordings hold words that the bundled model knows")
        settings = environment.load({**environment.environment(), **cloud.exports})
        store = GcsStore(storage_client(settings.google_cloud_project, settings.storage_emulator_host))
        begun_s = time.monotonic()
        journeys = _travel(settings, store, progress)
        right = [_show(journey, settings, store, cloud, console) for journey in journeys]
        took_s = time.monotonic() - begun_s
    console.print(
        f"\n{sum(right)} of {len(right)} transcripts are right, {took_s:.1f} s from the first upload"
    )
    return all(right)


def _travel(settings: Settings, store: GcsStore, console: Console) -> list[Journey]:
    project = settings.google_cloud_project
    with (
        subscriber_client(settings.pubsub_emulator_host) as client,
        subscribed(client, project, settings.topic_completed, settings.topic_progress) as seen,
    ):
        journeys = _upload_all(settings, store)
        console.print(
            f"uploaded {len(journeys)} recordings; those for Parakeet wait for the model to load, "
            "and that counts into their speed and cost"
        )
        _follow(seen, journeys)
    return list(journeys.values())


def _upload_all(settings: Settings, store: GcsStore) -> dict[str, Journey]:
    """Upload the short recordings; the last one asks for Deepgram, so that both ways are seen."""
    short = [sample for sample in samples() if sample.duration_s <= LONGEST_S]
    journeys = {}
    for number, sample in enumerate(short):
        video_id = str(FIRST_VIDEO_ID + number)
        wishes = {"engine": "deepgram"} if sample is short[-1] else {}
        uploaded = datetime.now(UTC)
        audio = put(store, settings.audio_bucket, sample.path, {"video_id": video_id, **wishes})
        journeys[audio.job_id] = Journey(sample, video_id, uploaded)
    return journeys


def _follow(seen: Stream, journeys: dict[str, Journey]) -> None:
    while not all(journey.outcome for journey in journeys.values()):
        event = seen.next(PATIENCE_S)
        if event is None:
            return
        if event["job_id"] in journeys:
            journeys[event["job_id"]].take(event)


def _show(journey: Journey, settings: Settings, store: GcsStore, cloud: LocalCloud, console: Console) -> bool:
    outcome = journey.outcome
    console.print(f"\n[bold]{journey.sample.path.name}[/bold] (video {journey.video_id})")
    console.print(f"  way         uploaded > {' > '.join(journey.steps)}", soft_wrap=True)
    if outcome.get("outcome") != "completed":
        reason = f"{outcome['code']}: {outcome['message']}" if outcome else "no outcome in time"
        console.print(f"  [red]failed[/red]      {reason}", soft_wrap=True)
        return False
    text = _text(store, settings, outcome)
    errors = compare_text(journey.sample.text, text)
    record = _record(cloud, journey.video_id)
    console.print(f"  transcript  {text}", soft_wrap=True, markup=False)
    console.print(
        f"  engine      {outcome['engine']} with {outcome['model']}, {outcome['rtfx']} times real time"
    )
    cost, deepgram = f"{outcome['cost_usd']:.6f} USD", f"{outcome['deepgram_usd']:.6f} USD"
    console.print(f"  cost        {cost} at the settings' prices; Deepgram's would be {deepgram}")
    console.print(f"  record      {record}", soft_wrap=True, markup=False)
    console.print(
        f"  check       {'right' if errors.edits == 0 else f'[red]{errors.edits} words wrong[/red]'}"
    )
    return errors.edits == 0


def _text(store: GcsStore, settings: Settings, outcome: dict[str, Any]) -> str:
    name = outcome["files"]["transcript"].removeprefix(f"gs://{settings.transcript_bucket}/")
    return str(json.loads(store.read(settings.transcript_bucket, name))["text"])


def _record(cloud: LocalCloud, video_id: str) -> str:
    """The video's record once it names the transcript."""
    if cloud.videos_url is None:
        return "in the Convex deployment that CONVEX_URL names"
    deadline_s = time.monotonic() + RECORD_PATIENCE_S
    while time.monotonic() < deadline_s:
        videos = httpx.get(cloud.videos_url, trust_env=False).json()["videos"]
        for video in videos:
            if video["twitchId"] == video_id and "transcript_url" in video:
                return f"status {video.get('status')}, transcript_url {video['transcript_url']}"
        time.sleep(0.2)
    return "none in time"
