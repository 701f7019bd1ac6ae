"""What core needs of the world, as small protocols. Adapters live in infra, fakes mirror them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.audio import AudioInfo, AudioSource
    from core.batching import Limits
    from core.billing import Bill
    from core.events import Event
    from core.jobs import Claim, Job, Manifest
    from core.transcript import Transcript, Word

SAMPLE_RATE_HZ = 16_000


class Clock(Protocol):
    """Time, so that tests can hold it still."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back, from an arbitrary start."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class ObjectNotFound(LookupError):
    """There is no such object, or no such generation of it."""


class PreconditionFailed(Exception):
    """Somebody else wrote the object first."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What a store knows of one generation of an object."""

    bucket: str
    name: str
    generation: int
    size_bytes: int
    updated: datetime
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """Buckets of objects. Every write makes a new generation; generations grow.

    All methods raise Retryable when the store can't be reached or asks to slow down.
    """

    def stat(self, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
        """The live object, or the given generation of it; None when there is none."""
        ...

    def read(self, bucket: str, name: str, generation: int | None = None) -> bytes:
        """All bytes. Raises ObjectNotFound."""
        ...

    def open(self, bucket: str, name: str, generation: int) -> BinaryIO:
        """A seekable stream that fetches ranges as they are read. Raises ObjectNotFound."""
        ...

    def write(  # noqa: PLR0913 - an object has this many parts
        self,
        bucket: str,
        name: str,
        data: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        if_generation_match: int | None = None,
    ) -> StoredObject:
        """Write all bytes at once. if_generation_match 0 means: only create.

        Raises:
            PreconditionFailed: the live generation is another one.
        """
        ...

    def delete(self, bucket: str, name: str) -> None:
        """Remove the live object; nothing happens when there is none."""
        ...

    def list(self, bucket: str, prefix: str = "") -> Iterable[StoredObject]:
        """Live objects whose names start with the prefix, by name."""
        ...

    def signed_url(self, bucket: str, name: str, generation: int, *, expires_s: float) -> str | None:
        """A URL that lets its bearer read one generation for a while; None where signing is not possible."""
        ...


class Publisher(Protocol):
    """Sends events to a topic."""

    def publish(self, topic: str, event: "Event") -> None:
        """Return once the event is stored by the broker. Raises Retryable."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A stretch of decoded audio.

    Args:
        samples: int16, 16 kHz, mono, shape [any length].
        is_hole: the audio could not be decoded, and silence as long as it stands in its place.
    """

    samples: NDArray[np.int16]
    is_hole: bool = False


class AudioReader(Protocol):
    """Reads audio files of any format."""

    def probe(self, source: "AudioSource") -> "AudioInfo":
        """Look at the header by few ranged reads. Raises NotAudio, ObjectNotFound, Retryable."""
        ...

    def blocks(self, source: "AudioSource") -> Iterator[Block]:
        """Decode the whole file, block after block, in memory that does not grow with its length.

        Raises:
            NotAudio, Damaged, OutOfLimits, ObjectNotFound, Retryable: also in the middle of the iteration.
            EngineFailed: the process that decodes died; the file may have killed it.
        """
        ...


class HeardBatch(Protocol):
    """What the model made of a batch, still to be read."""

    def words(self) -> "list[list[Word]]":
        """Words of each window, in the order of the windows, with times from the window's own start.

        Raises:
            EngineFailed: the results can't be read, or are fewer than the windows; never a shorter list.
        """
        ...


class PreparedBatch(Protocol):
    """A batch that lies on the device."""

    def run(self) -> HeardBatch:
        """Let the model hear it; returns when the device is done.

        Raises:
            EngineFailed: code engine_out_of_memory, or another.
            EngineLost: the device is gone for this process.
        """
        ...


class Recognizer(Protocol):
    """A speech model that hears batches of windows, in three stages that may overlap with other batches'."""

    @property
    def model(self) -> str:
        """Name of the model."""
        ...

    def ready(self) -> "Limits":
        """Load the model unless that is done; how much it can hear at once. Raises EngineFailed."""
        ...

    def prepare(self, windows: Sequence[NDArray[np.int16]]) -> PreparedBatch:
        """Check, pad and copy windows to the device.

        Shapes: each window [samples] at 16 kHz, lengths may differ.

        Raises:
            ValueError: a window is not one-dimensional int16, or shorter than 0.1 s.
            EngineFailed, EngineLost: as run.
        """
        ...


class Engine(Protocol):
    """Turns audio into a transcript."""

    @property
    def name(self) -> str:
        """parakeet or deepgram."""
        ...

    @property
    def model(self) -> str:
        """Name of the model that the engine runs."""
        ...

    def transcribe(self, source: "AudioSource", info: "AudioInfo", bill: "Bill") -> "Transcript":
        """Hear the whole file, and put what that took on the bill, also when it fails.

        Raises:
            EngineFailed, Rejected, Retryable, ObjectNotFound: the file stays as it was.
        """
        ...


class Speeds(Protocol):
    """How fast engines have proven to be. Nothing here ever fails: speed is worth no file."""

    def rtfx(self, device: str, model: str) -> float | None:
        """Seconds of audio per second of work, as learnt so far; None while too few files have taught it."""
        ...

    def learn(self, device: str, model: str, audio_s: float, work_s: float) -> None:
        """Take a finished file into account.

        Args:
            device: what the model runs on; deepgram for Deepgram itself.
            model: name of the model.
            audio_s: how long the file is.
            work_s: how long the device worked for it, without what it waited for; for Deepgram, until the
                answer was there.
        """
        ...


class VideoRecords(Protocol):
    """The database row of a video, seen by its id.

    All methods raise Retryable when the database can't be reached, and RecordRefused when it says no.
    """

    def status(self, video_id: str) -> str | None:
        """The video's status, empty when it has none yet; None when there is no such video."""
        ...

    def set_status(self, video_id: str, status: str) -> None:
        """Write the status. Raises RecordNotFound."""
        ...

    def set_urls(self, video_id: str, urls: Mapping[str, str]) -> None:
        """Write where files of the video lie; URLs that are not named stay as they are.

        Raises:
            RecordNotFound: there is no such video.
            ValueError: a key is none of core.video.URL_KEYS; nothing was sent.
        """
        ...


class Ledger(Protocol):
    """Who works on which job, and what came of it. All methods raise Retryable."""

    def hold(self, job: "Job", engine: str) -> "AbstractContextManager[Claim]":
        """Claim the job, keep the lease alive while the block runs, give it back at the end.

        What the block adds to the claim's engine_failures is kept for the next attempt. A lease may be lost
        on the way, to who finds it expired: the claim's confirm() tells. Taking over a lease
        that expired counts as a failure of the engine that held it.

        Raises:
            AlreadyCompleted: there is a manifest.
            AlreadyInProgress: a live lease is held elsewhere.
        """
        ...

    def manifest(self, job: "Job") -> "Manifest | None":
        """The outcome of the job's run, when there is one."""
        ...

    def finish(self, manifest: "Manifest") -> None:
        """Write the manifest, and a note that it is not announced yet.

        Raises:
            AlreadyCompleted: another attempt has written one.
        """
        ...

    def mark_announced(self, job: "Job") -> None:
        """Remove the note: the terminal event is with the broker."""
        ...
