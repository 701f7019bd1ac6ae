"""Leases and manifests as small objects in the state bucket, written with generation preconditions.

Whether a lease has expired is judged by the store's own clock: its `updated` of the lease against its
`updated` of an object written just now. Instances' clocks play no part.
"""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.errors import AlreadyCompleted, AlreadyInProgress, Retryable
from core.jobs import Claim, Job, Manifest, Tenure
from core.ports import Clock, ObjectNotFound, ObjectStore, PreconditionFailed, StoredObject

LEASE_S = 120.0
RENEW_S = 30.0
POLL_S = 2.0
MAX_WAITING = 8
"""Half of the 16 requests that an instance is given at once: duplicates that wait leave work its threads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectLedger:
    """core.ports.Ledger over any object store.

    Args:
        owner: the name of this instance; shown to who finds the job taken.
        wait_s: how long a delivery that finds the job taken waits before it gives up; it gives up at once
            while MAX_WAITING others are waiting.
    """

    store: ObjectStore
    bucket: str
    owner: str
    clock: Clock
    wait_s: float = 0.0
    lease_s: float = LEASE_S
    renew_s: float = RENEW_S
    places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MAX_WAITING))

    @contextmanager
    def hold(self, job: Job, engine: str) -> Iterator[Claim]:
        """Claim the job, renew the lease in the background, give it back at the end."""
        with self._patience() as wait_s:
            lease = self._claim_within(job, engine, self.clock.monotonic() + wait_s)
        try:
            with lease.renewed_every(self.renew_s):
                yield lease.claim
        finally:
            lease.release()

    def manifest(self, job: Job) -> Manifest | None:
        """The outcome of the job's run, when there is one."""
        try:
            return Manifest.from_json(json.loads(self.store.read(self.bucket, _manifest(job))))
        except ObjectNotFound:
            return None

    def finish(self, manifest: Manifest) -> None:
        """Note that an announcement is due, then write the manifest, once."""
        data = json.dumps(manifest.to_json(), ensure_ascii=False).encode()
        self.store.write(self.bucket, _outbox(manifest.job), b"{}", content_type="application/json")
        try:
            self.store.write(
                self.bucket,
                _manifest(manifest.job),
                data,
                content_type="application/json",
                if_generation_match=0,
            )
        except PreconditionFailed:
            if self.store.read(self.bucket, _manifest(manifest.job)) != data:
                raise AlreadyCompleted(manifest.job.id) from None

    def mark_announced(self, job: Job) -> None:
        """Remove the note that an announcement is due."""
        self.store.delete(self.bucket, _outbox(job))

    @contextmanager
    def _patience(self) -> Iterator[float]:
        """How long this claim may wait."""
        free = self.places.acquire(blocking=False)
        try:
            yield self.wait_s if free else 0.0
        finally:
            if free:
                self.places.release()

    def _claim_within(self, job: Job, engine: str, deadline_s: float) -> "_Lease":
        while True:
            try:
                return self._claim(job, engine)
            except AlreadyInProgress:
                if self.clock.monotonic() >= deadline_s:
                    raise
            self.clock.sleep(POLL_S)

    def _claim(self, job: Job, engine: str) -> "_Lease":
        # The lease is read ahead of the manifest: an owner writes its manifest before it gives the lease
        # back, so who finds the lease free would otherwise miss a manifest written in between.
        found = self._current(job)
        if self.store.stat(self.bucket, _manifest(job)) is not None:
            raise AlreadyCompleted(job.id)
        owner = f"{self.owner}/{uuid.uuid4().hex[:8]}"
        if found is None:
            claim, generation = Claim(job, owner, fence=1, attempt=1), 0
        else:
            claim, generation = self._successor(job, owner, *found), found[0].generation
        lease = _Lease(self.store, self.bucket, engine, claim)
        claim.confirm = lease.confirm
        try:
            claim.claimed = lease.write(generation).updated
        except PreconditionFailed:
            raise AlreadyInProgress(job.id, "another delivery that claimed it at the same time") from None
        return lease

    def _current(self, job: Job) -> tuple[StoredObject, dict[str, Any]] | None:
        stored = self.store.stat(self.bucket, _lease(job))
        if stored is None:
            return None
        try:
            return stored, json.loads(self.store.read(self.bucket, _lease(job), stored.generation))
        except ObjectNotFound:
            raise AlreadyInProgress(job.id, "an owner who renewed the lease just now") from None

    def _successor(self, job: Job, owner: str, stored: StoredObject, lease: dict[str, Any]) -> Claim:
        failures = dict(lease["engine_failures"])
        if not lease["released"]:
            if self._store_now(job) < stored.updated + timedelta(seconds=self.lease_s):
                raise AlreadyInProgress(job.id, lease["owner"])
            failures[lease["engine"]] = failures.get(lease["engine"], 0) + 1
        claim = Claim(job, owner, lease["fence"] + 1, lease["attempt"] + 1, failures)
        claim.earlier = (*map(_tenure, lease.get("earlier", ())), _tenure_of(lease, stored.updated))
        return claim

    def _store_now(self, job: Job) -> datetime:
        # An object per job: Cloud Storage takes one write a second to an object, and all who wait write.
        return self.store.write(self.bucket, f"jobs/{job.id}/{job.run}/clock", b"").updated


@dataclass(slots=True)
class _Lease:
    """The lease object of one claim; its generation moves with every renewal."""

    store: ObjectStore
    bucket: str
    engine: str
    claim: Claim
    generation: int = 0
    lost: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, generation: int, *, released: bool = False) -> StoredObject:
        """Write the lease over the given generation. Raises PreconditionFailed."""
        body = {
            "owner": self.claim.owner,
            "fence": self.claim.fence,
            "attempt": self.claim.attempt,
            "engine": self.engine,
            "engine_failures": self.claim.engine_failures,
            "released": released,
            "audio": self.claim.job.audio.uri,
            # The store's time of the claim is known once the first write has its answer.
            "claimed": self.claim.claimed.isoformat() if self.generation else None,
            "entered": self.claim.entered,
            "earlier": [_plain(tenure) for tenure in self.claim.earlier],
        }
        data = json.dumps(body, ensure_ascii=False).encode()
        name = _lease(self.claim.job)
        try:
            stored = self.store.write(
                self.bucket, name, data, content_type="application/json", if_generation_match=generation
            )
        except PreconditionFailed:
            stored = self._written_before(name, data)
        self.generation = stored.generation
        return stored

    def _written_before(self, name: str, data: bytes) -> StoredObject:
        """A retried write meets its own first try: the owner's name in it is unique to this claim."""
        stored = self.store.stat(self.bucket, name)
        try:
            if stored and self.store.read(self.bucket, name, stored.generation) == data:
                return stored
        except ObjectNotFound:
            pass
        raise PreconditionFailed(
            f"gs://{self.bucket}/{name} is another claim's, expected {self.claim.owner}'s"
        )

    def confirm(self) -> None:
        """Start the lease's time anew, and be sure of it.

        Raises:
            AlreadyInProgress: somebody has taken the job over.
            Retryable: the store can't be reached.
        """
        self._rewrite(released=False)

    def renew(self) -> None:
        """Start the lease's time anew if that is possible: it outlives three missed renewals."""
        with suppress(AlreadyInProgress, Retryable):
            self._rewrite(released=False)

    def release(self) -> None:
        """Give the lease back, with what was learnt about the engines; else it expires by itself."""
        with suppress(AlreadyInProgress, Retryable):
            self._rewrite(released=True)

    def _rewrite(self, *, released: bool) -> None:
        """Write the lease over our own; one that somebody took over stays lost."""
        with self._lock:
            if not self.lost:
                try:
                    self.write(self.generation, released=released)
                except PreconditionFailed:
                    self.lost = True
            if self.lost:
                raise AlreadyInProgress(self.claim.job.id, "another delivery that took it over")

    @contextmanager
    def renewed_every(self, seconds: float) -> Iterator[None]:
        """Renew in a thread that ends with the block."""
        done = threading.Event()

        def renew_until_done() -> None:
            while not done.wait(seconds) and not self.lost:
                self.renew()

        thread = threading.Thread(target=renew_until_done, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _tenure_of(lease: dict[str, Any], seen: datetime) -> Tenure:
    """The claim that a lease tells of. One that was never renewed was last written when it was claimed.

    A lease from before the books says nothing of them, and nothing is owed for it.
    """
    claimed = datetime.fromisoformat(lease["claimed"]) if lease.get("claimed") else seen
    return Tenure(lease["fence"], lease["engine"], claimed, seen, entered=lease.get("entered", True))


def _plain(tenure: Tenure) -> dict[str, Any]:
    times = {"claimed": tenure.claimed.isoformat(), "seen": tenure.seen.isoformat()}
    return {**asdict(tenure), **times}


def _tenure(values: dict[str, Any]) -> Tenure:
    times = {name: datetime.fromisoformat(values[name]) for name in ("claimed", "seen")}
    return Tenure(**{**values, **times})


def _lease(job: Job) -> str:
    return f"jobs/{job.id}/{job.run}/lease.json"


def _manifest(job: Job) -> str:
    return f"jobs/{job.id}/{job.run}/manifest.json"


def _outbox(job: Job) -> str:
    return f"outbox/{job.id}/{job.run}.json"
