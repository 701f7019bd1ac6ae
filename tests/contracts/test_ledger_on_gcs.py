"""The ledger over a real server: its preconditions and its clock decide who works."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import pytest
from google.cloud import storage

from core.audio import AudioObject
from core.errors import AlreadyCompleted, AlreadyInProgress, EngineFailed
from core.jobs import Claim, Job, Manifest
from infra.gcs import GcsStore
from infra.ledger import ObjectLedger
from tests.contracts.storage import BUCKET
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def store(gcs_client: storage.Client) -> GcsStore:
    return GcsStore(gcs_client)


@pytest.fixture
def job() -> Job:
    return Job(AudioObject("audio", f"{uuid.uuid4().hex}.mp3", 7, 3, "audio/mpeg", {"title": "Grüße"}))


def ledger(store: GcsStore, owner: str = "one", **rest: Any) -> ObjectLedger:
    return ObjectLedger(store=store, bucket=BUCKET, owner=owner, clock=FakeClock(), **rest)


def completed(claim: Claim) -> Manifest:
    return Manifest(claim.job, "completed", claim.fence, "2026-01-01T00:00:00+00:00", {"words_count": 2})


def test_a_job_is_claimed_once(store: GcsStore, job: Job) -> None:
    with ledger(store).hold(job, "parakeet") as claim:
        assert (claim.fence, claim.attempt, claim.engine_failures) == (1, 1, {})
        with pytest.raises(AlreadyInProgress, match="one/"), ledger(store, "two").hold(job, "parakeet"):
            pytest.fail("two hold the job")


def test_of_many_at_once_one_gets_the_job(store: GcsStore, job: Job) -> None:
    together = Barrier(8)

    def claim(number: int) -> bool:
        together.wait()
        with ExitStack() as stack:
            try:
                stack.enter_context(ledger(store, f"twin-{number}").hold(job, "parakeet"))
            except AlreadyInProgress:
                return False
            finally:
                together.wait()
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claim, range(8))) == 1


def test_a_lease_that_was_given_back_is_claimed_at_once_with_what_was_learnt(
    store: GcsStore, job: Job
) -> None:
    with ledger(store).hold(job, "parakeet") as first:
        first.count_failure("parakeet", EngineFailed("out of memory"))
    with ledger(store, "two").hold(job, "parakeet") as second:
        assert (second.fence, second.attempt, second.engine_failures) == (2, 2, {"parakeet": 1})


def test_an_expired_lease_is_taken_over_and_counts_against_its_engine(store: GcsStore, job: Job) -> None:
    late = ledger(store, "two", lease_s=0.0)
    with ledger(store).hold(job, "parakeet") as first, late.hold(job, "deepgram") as second:
        assert (second.fence, second.attempt) == (first.fence + 1, first.attempt + 1)
        assert second.engine_failures == {"parakeet": 1}
    # The first one ended last: its release must not touch the lease that is no longer its own.
    with ledger(store, "three").hold(job, "parakeet") as third:
        assert (third.fence, third.engine_failures) == (3, {"parakeet": 1})


def test_a_job_with_a_manifest_is_over(store: GcsStore, job: Job) -> None:
    with ledger(store).hold(job, "parakeet") as claim:
        ledger(store).finish(completed(claim))
    assert ledger(store, "two").manifest(job) == completed(claim)
    with pytest.raises(AlreadyCompleted), ledger(store, "two").hold(job, "parakeet"):
        pytest.fail("the job was done")


def test_the_manifest_is_written_once(store: GcsStore, job: Job) -> None:
    one = Manifest(job, "completed", 1, "2026-01-01T00:00:00+00:00", {"words_count": 2})
    ledger(store).finish(one)
    with pytest.raises(AlreadyCompleted):
        ledger(store, "two").finish(Manifest(job, "completed", 2, one.time, {"words_count": 3}))
    assert ledger(store).manifest(job) == one


def test_an_outcome_is_noted_until_it_is_announced(store: GcsStore, job: Job) -> None:
    note = f"outbox/{job.id}/"
    ledger(store).finish(Manifest(job, "completed", 1, "2026-01-01T00:00:00+00:00", {}))
    assert len(list(store.list(BUCKET, note))) == 1
    ledger(store).mark_announced(job)
    ledger(store).mark_announced(job)
    assert list(store.list(BUCKET, note)) == []


def test_two_runs_of_a_job_are_claimed_apart(store: GcsStore, job: Job) -> None:
    with ledger(store).hold(job, "parakeet"), ledger(store).hold(Job(job.audio, run=2), "parakeet") as claim:
        assert claim.fence == 1
