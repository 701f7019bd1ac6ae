"""Files that wait for more budget, as small objects in the state bucket: no subscription lets them expire."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from core.jobs import Job, audio_from_json, audio_to_json
from core.ports import Clock, ObjectNotFound, ObjectStore, PreconditionFailed

PREFIX = "parked/"


@dataclass(frozen=True, slots=True)
class Parked:
    """A job that waits."""

    job: Job


@dataclass(frozen=True, kw_only=True, slots=True)
class Parking:
    """Where jobs wait.

    Args:
        store: holds the notes.
        clock: dates them.
        state_bucket: the bucket.
    """

    store: ObjectStore
    clock: Clock
    state_bucket: str

    def park(self, job: Job) -> Parked:
        """Keep a job, once. Raises Retryable."""
        note = {"audio": audio_to_json(job.audio), "run": job.run, "since": self.clock.now().isoformat()}
        data = json.dumps(note, ensure_ascii=False).encode()
        with suppress(PreconditionFailed):
            self.store.write(
                self.state_bucket, _name(job), data, content_type="application/json", if_generation_match=0
            )
        return Parked(job)

    def waiting(self) -> Iterator[Job]:
        """The jobs that wait, those that came first first. Raises Retryable."""
        notes = sorted(self.store.list(self.state_bucket, PREFIX), key=lambda found: found.updated)
        for note in notes:
            try:
                values = json.loads(self.store.read(self.state_bucket, note.name))
            except ObjectNotFound:
                continue  # released by somebody else since the listing
            yield Job(audio_from_json(values["audio"]), values["run"])

    def count(self) -> int:
        """How many wait. Raises Retryable."""
        return sum(1 for _ in self.store.list(self.state_bucket, PREFIX))

    def leave(self, job: Job) -> None:
        """Forget that a job waited. Raises Retryable."""
        self.store.delete(self.state_bucket, _name(job))


def _name(job: Job) -> str:
    return f"{PREFIX}{job.id}/{job.run}.json"
