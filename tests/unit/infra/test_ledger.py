import json
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import pytest

from core.errors import AlreadyCompleted, AlreadyInProgress, EngineFailed, Retryable
from core.jobs import Job, Manifest
from core.ports import StoredObject
from infra.ledger import LEASE_S, MAX_WAITING, POLL_S, RENEW_S, ObjectLedger
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.process import Crash, Process
from tests.fakes.world import STATE, World, world


def lease_of(place: World, job: Job) -> dict[str, object]:
    found: dict[str, object] = json.loads(place.memory.read(STATE, f"jobs/{job.id}/1/lease.json"))
    return found


def failed(job: Job, fence: int = 1, code: str = "corrupt") -> Manifest:
    return Manifest(job, "failed", fence, "2026-01-01T00:00:00+00:00", {"code": code})


def test_a_lease_outlives_three_missed_renewals() -> None:
    assert RENEW_S * 4 <= LEASE_S


def test_the_first_claim_makes_the_lease_and_its_end_gives_it_back() -> None:
    place = world()
    job = place.job()
    with place.ledger.hold(job, "parakeet") as claim:
        assert (claim.fence, claim.attempt, claim.engine_failures) == (1, 1, {})
        held = lease_of(place, job)
        assert (held["owner"], held["released"], held["audio"]) == (claim.owner, False, job.audio.uri)
    assert lease_of(place, job)["released"] is True


def test_the_next_claim_has_the_next_fence_and_knows_the_failures() -> None:
    place = world()
    job = place.job()
    with place.ledger.hold(job, "parakeet") as claim:
        claim.count_failure("parakeet", EngineFailed("no"))
    with place.ledger.hold(job, "deepgram") as claim:
        assert (claim.fence, claim.attempt, claim.engine_failures) == (2, 2, {"parakeet": 1})


def test_runs_of_a_job_have_leases_and_outcomes_of_their_own() -> None:
    place = world()
    job = place.job()
    place.ledger.finish(failed(job))
    again = Job(job.audio, 2)
    with place.ledger.hold(again, "parakeet") as claim:
        assert (claim.fence, place.ledger.manifest(again)) == (1, None)


def test_two_claims_of_one_instance_are_told_apart() -> None:
    place = world()
    job = place.job()
    owners = set()
    for _ in range(2):
        with place.ledger.hold(job, "parakeet") as claim:
            owners.add(claim.owner)
    assert len(owners) == 2


def test_a_live_lease_is_waited_for_and_then_left() -> None:
    place = world(wait_s=5 * POLL_S)
    job = place.job()
    place.ledger._claim(job, "parakeet")
    with pytest.raises(AlreadyInProgress, match="instance/"), place.ledger.hold(job, "parakeet"):
        raise AssertionError("two owners")
    assert place.clock.slept == [POLL_S] * 5


def test_while_many_wait_one_more_goes_at_once_and_a_place_that_is_left_is_free_again() -> None:
    place = world(wait_s=POLL_S)
    ledger, job = place.ledger, place.job()
    ledger._claim(job, "parakeet")
    with ExitStack() as others:
        for _ in range(MAX_WAITING):
            others.enter_context(ledger._patience())
        with pytest.raises(AlreadyInProgress), ledger.hold(job, "parakeet"):
            raise AssertionError("two owners")
        assert place.clock.slept == []
    with pytest.raises(AlreadyInProgress), ledger.hold(job, "parakeet"):
        raise AssertionError("two owners")
    assert place.clock.slept == [POLL_S]


def test_a_claim_is_confirmed_by_a_renewal_and_says_when_it_can_not_be() -> None:
    place = world()
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")
    place.clock.advance(LEASE_S - 1)
    lease.claim.confirm()
    place.clock.advance(LEASE_S - 1)
    with pytest.raises(AlreadyInProgress):
        place.ledger._claim(job, "parakeet")

    def away() -> None:
        raise Retryable("away")

    lease.store = Process(1, away).store(place.memory)
    with pytest.raises(Retryable, match="away"):
        lease.claim.confirm()
    place.clock.advance(1)
    place.ledger._claim(job, "parakeet")
    with pytest.raises(AlreadyInProgress, match="took it over"):
        lease.claim.confirm()


def test_a_lease_that_is_given_back_ends_the_wait() -> None:
    clock = Interrupted()
    place = world(wait_s=60.0)
    place = place.but(clock=clock, memory=(memory := MemoryStore(clock)), store=memory)
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")
    clock.then = lease.release
    with place.ledger.hold(job, "parakeet") as claim:
        assert claim.fence == 2
    assert clock.slept == [POLL_S]


class Interrupted(FakeClock):
    """Something happens while somebody sleeps."""

    then: Callable[[], object] = staticmethod(lambda: None)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.then()


def test_a_lease_expires_by_the_clock_of_the_store_and_not_by_ours() -> None:
    ours, stores = FakeClock(), FakeClock()
    memory = MemoryStore(stores)
    ledger = ObjectLedger(store=memory, bucket=STATE, owner="me", clock=ours)
    job = world().job()
    ledger._claim(job, "parakeet")
    ours.advance(10 * LEASE_S)
    with pytest.raises(AlreadyInProgress):
        ledger._claim(job, "parakeet")
    stores.advance(LEASE_S)
    claim = ledger._claim(job, "parakeet").claim
    assert (claim.fence, claim.attempt, claim.engine_failures) == (2, 2, {"parakeet": 1})


def test_a_renewal_starts_the_time_anew() -> None:
    place = world()
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")
    place.clock.advance(LEASE_S - 1)
    lease.renew()
    place.clock.advance(LEASE_S - 1)
    with pytest.raises(AlreadyInProgress):
        place.ledger._claim(job, "parakeet")


def test_the_thread_renews_until_the_block_ends() -> None:
    place = world()
    lease = place.ledger._claim(place.job(), "parakeet")
    renewed = threading.Event()
    lease.store = Process(1, renewed.set).store(place.memory)
    with lease.renewed_every(0.001):
        assert renewed.wait(30)
    assert not any(thread.name == "lease" for thread in threading.enumerate())


def test_the_thread_ends_when_the_lease_is_lost() -> None:
    place = world()
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")
    place.clock.advance(LEASE_S)
    place.ledger._claim(job, "parakeet")
    with lease.renewed_every(0.001):
        for thread in threading.enumerate():
            if thread.name == "lease":
                thread.join(30)
        assert lease.lost


def test_a_renewal_that_cannot_reach_the_store_is_made_good_by_the_next() -> None:
    place = world()
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")

    def away() -> None:
        raise Retryable("away")

    lease.store = Process(1, away).store(place.memory)
    lease.renew()
    assert not lease.lost
    place.clock.advance(LEASE_S - 1)
    lease.renew()
    assert not lease.lost
    place.clock.advance(LEASE_S - 1)
    with pytest.raises(AlreadyInProgress):
        place.ledger._claim(job, "parakeet")


def test_a_lease_whose_object_is_gone_is_lost() -> None:
    place = world()
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")
    place.memory.delete(STATE, f"jobs/{job.id}/1/lease.json")
    lease.renew()
    assert lease.lost
    lease.release()
    assert place.state("lease.json") == []


class Stuttering(MemoryStore):
    """Carries each write out, and answers as a client does that sent it twice and lost the first answer."""

    def write(
        self,
        bucket: str,
        name: str,
        data: bytes,
        *,
        content_type: str = "",
        metadata: Mapping[str, str] | None = None,
        if_generation_match: int | None = None,
    ) -> StoredObject:
        for _ in range(2):
            stored = super().write(bucket, name, data, if_generation_match=if_generation_match)
        return stored


def test_a_write_that_was_sent_twice_is_known_as_our_own() -> None:
    clock = FakeClock()
    memory = Stuttering(clock)
    ledger = ObjectLedger(store=memory, bucket=STATE, owner="me", clock=clock)
    job = world().job()
    lease = ledger._claim(job, "parakeet")
    lease.renew()
    assert not lease.lost
    ledger.finish(failed(job))
    lease.release()
    assert ledger.manifest(job) == failed(job)
    assert b'"released": true' in memory.read(STATE, f"jobs/{job.id}/1/lease.json")


def test_a_manifest_is_written_once() -> None:
    place = world()
    job = place.job()
    place.ledger.finish(failed(job))
    with pytest.raises(AlreadyCompleted, match=job.id):
        place.ledger.finish(failed(job, fence=2, code="truncated"))
    assert place.ledger.manifest(job) == failed(job)
    with pytest.raises(AlreadyCompleted), place.ledger.hold(job, "parakeet"):
        raise AssertionError("claimed what is complete")


def test_a_job_without_an_outcome_has_no_manifest() -> None:
    place = world()
    assert place.ledger.manifest(place.job()) is None


def test_the_note_of_an_announcement_is_there_before_the_manifest_and_until_it_is_made() -> None:
    place = world()
    job = place.job()
    process = Process(2)
    with pytest.raises(Crash):
        place.but(store=process.store(place.memory)).ledger.finish(failed(job))
    outbox = f"outbox/{job.id}/1.json"
    assert place.files(STATE).keys() == {outbox}
    place.ledger.finish(failed(job))
    assert outbox in place.files(STATE)
    place.ledger.mark_announced(job)
    place.ledger.mark_announced(job)
    assert outbox not in place.files(STATE)
