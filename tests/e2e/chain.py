"""A running local cloud, seen from outside: a bucket to drop files into, a topic to hear outcomes from."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from core.audio import AudioObject
from core.ports import StoredObject
from handlers.uploads import put
from infra import settings as environment
from infra.gcs import GcsStore, storage_client
from infra.local.cloud import LocalCloud, start
from infra.pubsub import publisher_client, subscriber_client
from infra.settings import Settings
from infra.subscribe import Stream, subscribed
from tests.e2e.surroundings import plain

HANDLERS = Path(__file__).parents[2] / "handlers" / "main.py"
PATIENCE_S = 90.0


@dataclass(slots=True)
class Chain:
    """What an outside user can do."""

    cloud: LocalCloud
    settings: Settings
    store: GcsStore
    stream: Stream
    seen: list[dict[str, Any]] = field(default_factory=list)

    def drop(self, path: Path, **metadata: str) -> AudioObject:
        return put(self.store, self.settings.audio_bucket, path, metadata)

    def drop_as(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> AudioObject:
        bucket = self.settings.audio_bucket
        stored = self.store.write(bucket, name, data, metadata=metadata or {})
        return AudioObject(bucket, name, stored.generation, stored.size_bytes)

    def outcome(
        self, audio: AudioObject, *, count: int = 1, patience_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        """The audio's terminal event; with count, the one that makes it so many."""
        while len(found := [event for event in self.seen if event["job_id"] == audio.job_id]) < count:
            event = self.stream.next(patience_s)
            assert event is not None, f"no outcome of {audio.uri} within {patience_s} s"
            self.seen.append(event)
        return found[count - 1]

    def outputs(self, event: Mapping[str, Any]) -> dict[str, bytes]:
        return {kind: self.store.read(*split(uri)) for kind, uri in event["files"].items()}

    def stored(self, event: Mapping[str, Any]) -> dict[str, StoredObject | None]:
        return {kind: self.store.stat(*split(uri)) for kind, uri in event["files"].items()}

    def text(self, event: Mapping[str, Any]) -> str:
        rows = csv.DictReader(io.StringIO(self.outputs(event)["words"].decode(), newline=""))
        return " ".join(row["word"] for row in rows)

    def notify(self, audio: AudioObject, **attributes: str) -> None:
        """Send storage's own kind of event about an object."""
        body = {"bucket": audio.bucket, "name": audio.name, "generation": str(audio.generation)}
        body["size"] = str(audio.size_bytes)
        self.send("audio-uploaded", json.dumps(body).encode(), eventType="OBJECT_FINALIZE", **attributes)

    def send(self, topic: str, data: bytes, **attributes: str) -> None:
        with publisher_client(self.settings.pubsub_emulator_host) as client:
            path = client.topic_path(self.settings.google_cloud_project, topic)
            client.publish(path, data, **attributes).result(timeout=30)

    def video(self, video_id: str) -> dict[str, Any] | None:
        assert self.cloud.videos_url is not None
        videos = httpx.get(self.cloud.videos_url, trust_env=False).json()["videos"]
        found = next((video for video in videos if video["twitchId"] == video_id), None)
        # The journal of writes is the stand-in's own; what a user sees is the rest.
        return {key: value for key, value in found.items() if key != "history"} if found else None

    def state(self, prefix: str) -> list[str]:
        return [stored.name for stored in self.store.list(self.settings.state_bucket, prefix)]


def split(uri: str) -> tuple[str, str]:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    return bucket, name


@contextmanager
def running_chain(folder: Path, **changes: str) -> Iterator[Chain]:
    """A local cloud of its own, ended with the block."""
    cloud = start(folder, HANDLERS, plain(**changes))
    try:
        settings = environment.load({**cloud.exports, **changes})
        project, host = settings.google_cloud_project, settings.pubsub_emulator_host
        client = storage_client(project, settings.storage_emulator_host)
        with (
            subscriber_client(host) as subscriber,
            subscribed(subscriber, project, settings.topic_completed) as stream,
        ):
            yield Chain(cloud, settings, GcsStore(client), stream)
        client.close()
    finally:
        cloud.stop()
