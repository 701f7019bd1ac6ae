"""A store and a broker in memory: for one file on one machine, and the strict twin of the cloud in tests."""

import io
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import BinaryIO

from core.events import Event
from core.ports import Clock, ObjectNotFound, PreconditionFailed, StoredObject


@dataclass(frozen=True, slots=True)
class _Content:
    about: StoredObject
    data: bytes = b""
    path: Path | None = None

    def open(self) -> BinaryIO:
        try:
            return self.path.open("rb") if self.path else io.BytesIO(self.data)
        except FileNotFoundError as error:
            raise ObjectNotFound(f"{self.path} was there, and is gone") from error


class MemoryStore:
    """core.ports.ObjectStore with Cloud Storage's semantics, without old versions: a write replaces."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._objects: dict[tuple[str, str], _Content] = {}
        self._generations = count(1)
        self._lock = threading.Lock()

    def stat(self, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
        """The live object, when it is the wanted generation."""
        content = self._objects.get((bucket, name))
        if content is None or generation not in (None, content.about.generation):
            return None
        return content.about

    def read(self, bucket: str, name: str, generation: int | None = None) -> bytes:
        """All bytes."""
        with self._find(bucket, name, generation).open() as stream:
            return stream.read()

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:
        """A stream over the object."""
        return self._find(bucket, name, generation).open()

    def write(  # noqa: PLR0913 - the port's own signature
        self,
        bucket: str,
        name: str,
        data: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        if_generation_match: int | None = None,
    ) -> StoredObject:
        """Write, when the precondition holds."""
        return self._put(bucket, name, _Draft(data, None, content_type, metadata or {}), if_generation_match)

    def link(self, bucket: str, name: str, path: Path, metadata: Mapping[str, str]) -> StoredObject:
        """Make a file on disk appear as an object, without reading it."""
        return self._put(bucket, name, _Draft(b"", path, "", metadata), None)

    def delete(self, bucket: str, name: str) -> None:
        """Remove the object, if it is there."""
        with self._lock:
            self._objects.pop((bucket, name), None)

    def list(self, bucket: str, prefix: str = "") -> Iterable[StoredObject]:
        """Objects under the prefix, by name."""
        with self._lock:
            found = [c.about for (b, n), c in self._objects.items() if b == bucket and n.startswith(prefix)]
        return sorted(found, key=lambda about: about.name)

    def signed_url(self, bucket: str, name: str, generation: int, *, expires_s: float) -> str | None:  # noqa: ARG002
        """Memory has no address."""
        return None

    def _find(self, bucket: str, name: str, generation: int | None) -> _Content:
        content = self._objects.get((bucket, name))
        if content is None or generation not in (None, content.about.generation):
            wanted = "" if generation is None else f" with generation {generation}"
            raise ObjectNotFound(f"gs://{bucket}/{name}{wanted}")
        return content

    def _put(self, bucket: str, name: str, draft: "_Draft", expected: int | None) -> StoredObject:
        with self._lock:
            live = self._objects.get((bucket, name))
            found = live.about.generation if live else 0
            if expected not in (None, found):
                raise PreconditionFailed(f"gs://{bucket}/{name} has generation {found}, expected {expected}")
            about = StoredObject(
                bucket,
                name,
                next(self._generations),
                draft.size_bytes,
                self._clock.now(),
                draft.content_type,
                dict(draft.metadata),
            )
            self._objects[bucket, name] = _Content(about, draft.data, draft.path)
            return about


@dataclass(frozen=True, slots=True)
class _Draft:
    data: bytes
    path: Path | None
    content_type: str
    metadata: Mapping[str, str]

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size if self.path else len(self.data)


@dataclass(slots=True)
class MemoryPublisher:
    """core.ports.Publisher that keeps what was published."""

    published: list[tuple[str, Event]] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        """Keep the event."""
        self.published.append((topic, event))

    def on(self, topic: str) -> list[Event]:
        """The events of one topic."""
        return [event for where, event in self.published if where == topic]
