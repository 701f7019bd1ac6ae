"""One call of the in-process entry: whether anybody still waits for it, and what its engines did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import BinaryIO, cast

from core.audio import AudioInfo, AudioSource
from core.billing import Bill, Usage
from core.ports import Engine, ObjectStore, StoredObject
from core.transcript import Transcript

LEARNT = ("costs/", "speeds/")
"""Prefixes of what outlives a call in the state bucket: what was paid, and what was learnt of the engines."""


class Abandoned(Exception):
    """Nobody waits for this call any more: no error of the tree, so no use case takes it for a failure."""


@dataclass(slots=True)
class Call:
    """What the threads of one call share.

    Args:
        abandoned: set by who no longer waits.
        usages: what the engines of the last attempt did.
        written: places of the objects that the call wrote.
    """

    abandoned: Event = field(default_factory=Event)
    usages: tuple[Usage, ...] = ()
    written: set[tuple[str, str]] = field(default_factory=set)

    def check(self) -> None:
        """Raise Abandoned when nobody waits."""
        if self.abandoned.is_set():
            raise Abandoned

    def watched(self, engine: Engine) -> Engine:
        """The engine, which does not start when nobody waits, and tells this call what it did."""
        return _Watched(engine, self)


@dataclass(frozen=True, slots=True)
class _Watched:
    engine: Engine
    call: Call

    @property
    def name(self) -> str:
        return self.engine.name

    @property
    def model(self) -> str:
        return self.engine.model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        self.call.check()
        try:
            return self.engine.transcribe(source, info, bill)
        finally:
            self.call.usages = bill.usages


@dataclass(frozen=True, slots=True)
class CallStore:
    """core.ports.ObjectStore as one call sees it: audio ends in Abandoned when nobody waits for the call."""

    store: ObjectStore
    call: Call

    def stat(self, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
        """As the store."""
        return self.store.stat(bucket, name, generation)

    def read(self, bucket: str, name: str, generation: int | None = None) -> bytes:
        """As the store."""
        return self.store.read(bucket, name, generation)

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:
        """A stream whose reads raise Abandoned when nobody waits."""
        self.call.check()
        return cast("BinaryIO", _Stream(self.store.open(bucket, name, generation), self.call))

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
        """As the store, and noted."""
        stored = self.store.write(
            bucket,
            name,
            data,
            content_type=content_type,
            metadata=metadata,
            if_generation_match=if_generation_match,
        )
        self.call.written.add((bucket, name))
        return stored

    def delete(self, bucket: str, name: str) -> None:
        """As the store."""
        self.store.delete(bucket, name)

    def list(self, bucket: str, prefix: str = "") -> Iterable[StoredObject]:
        """As the store."""
        return self.store.list(bucket, prefix)

    def signed_url(self, bucket: str, name: str, generation: int, *, expires_s: float) -> str | None:
        """As the store."""
        return self.store.signed_url(bucket, name, generation, expires_s=expires_s)

    def forget(self) -> None:
        """Remove what the call wrote and nobody will ask for."""
        for bucket, name in tuple(self.call.written):
            if not name.startswith(LEARNT):
                self.store.delete(bucket, name)


class _Stream:
    """As much of a stream as readers of audio use."""

    def __init__(self, stream: BinaryIO, call: Call) -> None:
        self._stream, self._call = stream, call

    def __enter__(self) -> "_Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def read(self, size: int = -1) -> bytes:
        self._call.check()
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
