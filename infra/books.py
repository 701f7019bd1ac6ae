"""The books as objects in the state bucket: one for each attempt, named by it, under the day of its claim."""

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from core.attempts import Attempt
from core.ports import ObjectNotFound, ObjectStore, PreconditionFailed, StoredObject

PREFIX = "costs"
USD = "usd"
"""Key of the metadata that holds an attempt's cost, so that a sum needs a listing only."""

READERS = 16
"""Records that are read at the same time; one takes a store some 50 ms."""


@dataclass(frozen=True, slots=True)
class ObjectBooks:
    """core.accounts.Books over any object store."""

    store: ObjectStore
    bucket: str

    def record(self, attempt: Attempt) -> bool:
        """Create the record; one that others wrote for an attempt they took for dead gives way."""
        name = _name(attempt.job_id, attempt.run, attempt.fence, attempt.claimed)
        if self._written(name, attempt, 0):
            return True
        found = self.store.stat(self.bucket, name)
        if found is None or attempt.is_estimate or not self._read(found).is_estimate:
            return False
        return self._written(name, attempt, found.generation)

    def find(self, job_id: str, run: int, fence: int, claimed: datetime) -> Attempt | None:
        """One record, if it is there."""
        try:
            return _attempt(self.store.read(self.bucket, _name(job_id, run, fence, claimed)))
        except ObjectNotFound:
            return None

    def of_month(self, month: str) -> Iterable[Attempt]:
        """All records of a month, by day."""
        found = list(self.store.list(self.bucket, f"{PREFIX}/{month}/"))
        with ThreadPoolExecutor(READERS, thread_name_prefix="books") as readers:
            yield from readers.map(self._read, found)

    def usd_of_day(self, day: str) -> float:
        """What the attempts of a day such as 2026-11-24 cost, from one listing."""
        month, _, number = day.rpartition("-")
        found = self.store.list(self.bucket, f"{PREFIX}/{month}/{number}/")
        return sum(float(record.metadata[USD]) for record in found)

    def _written(self, name: str, attempt: Attempt, generation: int) -> bool:
        try:
            self.store.write(
                self.bucket,
                name,
                json.dumps(attempt.to_json(), ensure_ascii=False).encode(),
                content_type="application/json",
                metadata={USD: f"{attempt.usd:.10f}"},
                if_generation_match=generation,
            )
        except PreconditionFailed:
            return False
        return True

    def _read(self, found: StoredObject) -> Attempt:
        return _attempt(self.store.read(self.bucket, found.name))


def _name(job_id: str, run: int, fence: int, claimed: datetime) -> str:
    return f"{PREFIX}/{claimed.astimezone(UTC):%Y-%m/%d}/{job_id}-{run}-{fence}.json"


def _attempt(data: bytes) -> Attempt:
    return Attempt.from_json(json.loads(data))
