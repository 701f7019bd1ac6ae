"""One file on one machine, through the same use case as in the cloud, with memory in the cloud's place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.audio import AudioObject
from core.events import Event
from core.jobs import Job, Manifest
from handlers.arguments import object_name
from handlers.bootstrap import transcription_in
from handlers.breakers import Breakers
from handlers.engines import gpu_engines
from handlers.world import World
from infra.audio import PyAvReader
from infra.clock import SystemClock
from infra.ledger import ObjectLedger
from infra.local.memory import MemoryPublisher, MemoryStore
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Files:
    """The outputs of one file by kind, or why there are none."""

    name: str
    body: Mapping[str, Any]
    outputs: Mapping[str, bytes]
    paths: Mapping[str, str]

    @property
    def error(self) -> str:
        """What went wrong; empty when nothing did."""
        return "" if self.outputs else str(self.body.get("message", "no outcome"))


class LocalRun:
    """Transcribes files of this machine one after the other; the model stays loaded."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        clock, reader = SystemClock(), PyAvReader()
        self._store = MemoryStore(clock)
        world = World(
            settings=settings,
            store=self._store,
            publisher=MemoryPublisher(),
            clock=clock,
            reader=reader,
            ledger=ObjectLedger(store=self._store, bucket=settings.state_bucket, owner="local", clock=clock),
        )
        engines = gpu_engines(world, Breakers(clock))
        self._use_case = transcription_in(world, engines.by_method, engines.facts)

    def transcribe(self, path: Path, video_id: str = "") -> Files:
        """Run the use case on one file.

        Raises:
            EngineFailed, Retryable: the engine or the disk failed, not the file.
        """
        bucket, name = self._settings.audio_bucket, object_name(path)
        metadata = {"video_id": video_id} if video_id else {}
        stored = self._store.link(bucket, name, path, metadata)
        audio = AudioObject(bucket, name, stored.generation, stored.size_bytes, "", metadata)
        result = self._use_case.run(Job(audio))
        if isinstance(result, Event):
            reasons = "; ".join(reason["sentence"] for reason in result.data["reasons"])
            return Files(str(path), {"message": f"{path}: would go to Deepgram: {reasons}"}, {}, {})
        return self._files(path, result)

    def about(self, path: Path, message: str) -> str:
        """A message of the use case, about the file of this machine instead of an object."""
        bucket = self._settings.audio_bucket
        message = message.replace(f"gs://{bucket}/{object_name(path)}", str(path))
        return message if str(path) in message else f"{path}: {message}"

    def _files(self, path: Path, manifest: Manifest) -> Files:
        outputs = {file.kind: self._store.read(file.bucket, file.name) for file in manifest.files}
        return Files(str(path), manifest.body, outputs, {file.kind: file.name for file in manifest.files})
