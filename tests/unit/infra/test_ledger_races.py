"""Two deliveries that meet in the middle of a claim."""

from collections.abc import Callable

import pytest

from core.errors import AlreadyCompleted, AlreadyInProgress
from core.jobs import Job
from core.ports import ObjectNotFound, PreconditionFailed
from infra.ledger import LEASE_S, _Lease
from tests.fakes.process import Process
from tests.fakes.world import STATE, World, world
from tests.unit.infra.test_ledger import failed, lease_of


def rival_at(place: World, job: Job, at: int, rival: Callable[[], object]) -> _Lease:
    return place.but(store=Process(at, rival).store(place.memory)).ledger._claim(job, "parakeet")


@pytest.mark.parametrize("at", [1, 2, 3])
def test_of_two_first_claims_at_the_same_time_one_wins(at: int) -> None:
    place = world()
    job = place.job()
    with pytest.raises(AlreadyInProgress):
        rival_at(place, job, at, lambda: place.ledger._claim(job, "parakeet"))
    assert lease_of(place, job)["fence"] == 1


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_of_two_take_overs_at_the_same_time_one_wins(at: int) -> None:
    place = world()
    job = place.job()
    place.ledger._claim(job, "parakeet")
    place.clock.advance(LEASE_S)
    with pytest.raises(AlreadyInProgress):
        rival_at(place, job, at, lambda: place.ledger._claim(job, "parakeet"))
    assert (lease_of(place, job)["fence"], lease_of(place, job)["engine_failures"]) == (2, {"parakeet": 1})


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_an_owner_that_ends_during_a_claim_leaves_nothing_to_do(at: int) -> None:
    place = world()
    job = place.job()
    owner = place.ledger._claim(job, "parakeet")

    def ends() -> None:
        place.ledger.finish(failed(job))
        owner.release()

    with pytest.raises((AlreadyCompleted, AlreadyInProgress)):
        rival_at(place, job, at, ends)
    assert lease_of(place, job)["fence"] == 1


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_an_owner_that_renews_during_a_claim_keeps_its_lease(at: int) -> None:
    place = world()
    job = place.job()
    owner = place.ledger._claim(job, "parakeet")
    place.clock.advance(LEASE_S)
    with pytest.raises(AlreadyInProgress):
        rival_at(place, job, at, owner.renew)
    assert (lease_of(place, job)["fence"], owner.lost) == (1, False)


def test_a_lease_that_vanishes_while_it_is_compared_is_another_ones() -> None:
    place = world()
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")
    name = f"jobs/{job.id}/1/lease.json"
    lease.store = Process(3, lambda: place.memory.delete(STATE, name)).store(place.memory)
    with pytest.raises(PreconditionFailed, match="another claim's"):
        lease.write(generation=12345)
    with pytest.raises(ObjectNotFound):
        place.memory.read(STATE, name)
