"""One record for each attempt, whichever way it ends."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from core.attempts import Attempt
from core.billing import Usage
from core.cost import Rates, gpu_cost
from core.errors import AlreadyInProgress, Damaged, EngineFailed, NotAudio, Retryable
from core.jobs import Job
from core.ports import StoredObject
from infra.ledger import LEASE_S
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.world import COMPLETED, STATE, TOPICS, World, world

FOR_GOOD = EngineFailed("no", code="engine_out_of_memory", deterministic=True)
TWO_SECONDS = gpu_cost(2, Rates())


def entered(place: World) -> list[Attempt]:
    """All records, by fence."""
    return sorted(place.books.of_month("2026-01"), key=lambda found: found.fence)


def endings(place: World) -> list[tuple[str, str]]:
    return [(found.ending, found.code) for found in entered(place)]


def test_an_attempt_that_completes_is_in_the_books_before_its_manifest() -> None:
    place = world()
    writes: list[str] = []
    place = place.but(store=Watched(place.memory, writes.append))
    place.transcription().run(place.job())
    (found,) = entered(place)
    assert (found.ending, found.method, found.audio_s, found.usd) == (
        "completed",
        "parakeet",
        60.0,
        TWO_SECONDS,
    )
    assert place.noted == [found]
    kinds = [name.split("/")[0] + "/" + name.split("/")[-1].split(".")[0] for name in writes]
    record = next(place for place, name in enumerate(writes) if name.startswith("costs/"))
    manifest = next(place for place, name in enumerate(writes) if name.endswith("manifest.json"))
    assert record < manifest, kinds


def test_the_news_say_what_the_attempt_and_the_whole_run_cost() -> None:
    place = world()
    place.parakeet.failures = [EngineFailed("first")]
    job = place.job()
    with pytest.raises(EngineFailed):
        place.transcription().run(job)
    place.transcription().run(job)
    data = place.broker.on(COMPLETED)[0].data
    assert data["cost_usd"] == pytest.approx(TWO_SECONDS, abs=1e-8)
    assert data["job_cost_usd"] == pytest.approx(2 * TWO_SECONDS, abs=1e-8)
    assert data["deepgram_usd"] == 0.0045
    assert data["savings_usd"] == pytest.approx(0.0045 - 2 * TWO_SECONDS, abs=1e-8)
    assert [part["runner"] for part in data["parts"]] == ["parakeet"]
    assert endings(place) == [("retried", "engine_failed"), ("completed", "")]


def test_a_failure_that_moves_the_job_is_in_the_books_before_the_fallback_hears_of_it() -> None:
    place = world()
    place.parakeet.failures = [FOR_GOOD]
    job = place.job()
    place.transcription().run(job)
    assert endings(place) == [("handed_over", "engine_out_of_memory")]
    assert (entered(place)[0].audio_s, entered(place)[0].method) == (60.0, "parakeet")
    place.fallback().run(job)
    assert [(found.service, found.ending) for found in entered(place)] == [
        ("parakeet", "handed_over"),
        ("deepgram", "completed"),
    ]
    assert place.broker.on(COMPLETED)[0].data["job_cost_usd"] == pytest.approx(
        sum(found.usd for found in entered(place)), abs=1e-8
    )


def test_a_job_that_is_routed_elsewhere_costs_nothing_here_and_is_entered_all_the_same() -> None:
    place = world(method="deepgram")
    place.transcription().run(place.job())
    assert endings(place) == [("handed_over", "matrix")]
    assert entered(place)[0].usd == 0


@pytest.mark.parametrize("where", ["probe", "engine"])
def test_a_file_that_is_refused_is_paid_as_far_as_it_got(where: str) -> None:
    place = world()
    (place.reader if where == "probe" else place.parakeet).failures = [NotAudio("no", code="no_audio_stream")]
    place.transcription().run(place.job())
    assert endings(place) == [("failed", "no_audio_stream")]
    data = place.broker.on(COMPLETED)[0].data
    assert data["cost_usd"] == pytest.approx(TWO_SECONDS if where == "engine" else 0, abs=1e-8)
    assert (data["deepgram_usd"], data["job_cost_usd"]) == (0, data["cost_usd"])


def test_what_mends_itself_is_entered_with_what_the_engine_used() -> None:
    place = world()
    place.parakeet.failures = [Retryable("away", code="quota_exceeded")]
    with pytest.raises(Retryable):
        place.transcription().run(place.job())
    assert endings(place) == [("retried", "quota_exceeded")]
    assert entered(place)[0].usd == TWO_SECONDS


def test_a_defect_is_entered_by_its_class() -> None:
    place = world()
    place.parakeet.failures = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        place.transcription().run(place.job())
    assert endings(place) == [("retried", "ZeroDivisionError")]


def test_who_lost_the_job_is_entered_as_overtaken_with_what_it_really_used() -> None:
    place = world()
    job = place.job()
    place.parakeet.failures = [Damaged("it breaks off", code="corrupt")]

    def taken_over() -> None:
        place.parakeet.meanwhile = lambda: None
        place.clock.advance(LEASE_S)
        place.deepgram.takes_s = 3.0
        place.but(owner="twin").fallback().run(job)

    place.parakeet.meanwhile = taken_over
    with pytest.raises(AlreadyInProgress):
        place.transcription().run(job)
    assert endings(place) == [("overtaken", "already_in_progress"), ("completed", "")]
    assert [found.is_estimate for found in entered(place)] == [False, False]
    assert entered(place)[0].active_s == 2.0


def test_a_job_that_is_done_is_not_paid_again_when_it_is_asked_for_again() -> None:
    place = world()
    job = place.job()
    place.transcription().run(job)
    place.transcription().run(job)
    assert len(entered(place)) == len(place.noted) == 1


def die_in_the_engine(place: World, job: Job, engine: str = "parakeet", worked_s: float = 0.0) -> None:
    """What a killed process leaves: a lease that nobody gives back, renewed once if it worked."""
    lease = place.ledger._claim(job, engine)
    if worked_s:
        place.clock.advance(worked_s)
        lease.renew()
    place.clock.advance(LEASE_S)


def test_a_killed_attempt_is_entered_by_who_takes_the_job_over() -> None:
    place = world()
    job = place.job()
    die_in_the_engine(place, job, worked_s=30.0)
    place.transcription().run(job)
    first, second = entered(place)
    assert (first.fence, first.ending, first.usd) == (1, "abandoned", gpu_cost(30, Rates()))
    assert (second.fence, second.ending) == (2, "completed")
    data = place.broker.on(COMPLETED)[0].data
    assert data["job_cost_usd"] == pytest.approx(first.usd + second.usd, abs=1e-8)


def test_one_that_was_killed_before_its_first_renewal_has_no_known_cost() -> None:
    place = world()
    job = place.job()
    die_in_the_engine(place, job)
    place.transcription().run(job)
    assert (entered(place)[0].ending, entered(place)[0].usd) == ("abandoned", 0)


def test_killed_attempts_are_entered_also_when_no_engine_comes_after_them() -> None:
    place = world()
    job = place.job()
    die_in_the_engine(place, job, worked_s=30.0)
    place.outcomes.close(job, "dead-letter", Retryable("given up", code="deliveries_exhausted"))
    (found,) = entered(place)
    assert found.ending == "abandoned"
    assert place.broker.on(COMPLETED)[0].data["job_cost_usd"] == pytest.approx(found.usd, abs=1e-8)


def test_a_killed_end_without_an_engine_is_no_attempt_and_loses_none() -> None:
    place = world()
    job = place.job()
    die_in_the_engine(place, job, worked_s=30.0)
    die_in_the_engine(place, job, "dead-letter")
    place.transcription().run(job)
    assert [(found.fence, found.ending) for found in entered(place)] == [(1, "abandoned"), (3, "completed")]


def test_books_that_are_away_bring_the_message_again_and_nothing_is_lost() -> None:
    place = world()
    job = place.job()
    shut = Shut(place.memory)
    with pytest.raises(Retryable, match="books"):
        place.but(store=shut).transcription().run(job)
    assert place.state("manifest.json") == []
    assert place.broker.on(COMPLETED) == []
    place.transcription().run(job)
    assert endings(place) == [("abandoned", "engine_lost"), ("completed", "")]


def test_a_failure_whose_record_can_not_be_written_is_not_handed_over_yet() -> None:
    place = world()
    place.parakeet.failures = [FOR_GOOD]
    job = place.job()
    with pytest.raises(Retryable):
        place.but(store=Shut(place.memory)).transcription().run(job)
    assert place.broker.on(TOPICS.fallback) == []
    place.transcription().run(job)
    assert endings(place) == [("abandoned", "engine_lost"), ("handed_over", "engine_failed")]
    assert len(place.broker.on(TOPICS.fallback)) == 1


def test_an_attempt_that_was_taken_for_dead_puts_its_own_record_in_place_of_the_estimate() -> None:
    place = world()
    job = place.job()
    claim = place.ledger._claim(job, "parakeet").claim
    place.clock.advance(LEASE_S)
    with place.ledger.hold(job, "deepgram") as second:
        place.accounts.settle(second)
    assert endings(place) == [("abandoned", "engine_lost")]
    sheet = place.accounts.sheet(claim, "parakeet")
    sheet.bill.add(Usage("parakeet", "m", active_s=7.0))
    sheet.enter("overtaken")
    assert [(found.ending, found.active_s) for found in entered(place)] == [("overtaken", 7.0)]
    with place.ledger.hold(job, "deepgram") as third:
        place.accounts.settle(third)
    assert [found.ending for found in entered(place) if found.fence == 1] == ["overtaken"]


def test_the_lease_tells_who_held_the_job_before_and_whether_that_is_entered() -> None:
    place = world()
    place.parakeet.failures = [EngineFailed("first")]
    job = place.job()
    with pytest.raises(EngineFailed):
        place.transcription().run(job)
    die_in_the_engine(place, job, worked_s=10.0)
    with place.ledger.hold(job, "parakeet") as claim:
        assert [(past.fence, past.entered) for past in claim.earlier] == [(1, True), (2, False)]
        assert (claim.earlier[1].seen - claim.earlier[1].claimed).total_seconds() == 10.0
        place.accounts.settle(claim)
        claim.entered = True
    (name,) = place.state("lease.json")
    lease: dict[str, Any] = json.loads(place.memory.read(STATE, name))
    assert [past["entered"] for past in lease["earlier"]] == [True, True]


def test_a_lease_from_before_the_books_owes_nothing() -> None:
    place = world()
    job = place.job()
    lease = place.ledger._claim(job, "parakeet")
    name = f"jobs/{job.id}/1/lease.json"
    body = json.loads(place.memory.read(STATE, name))
    old = {key: value for key, value in body.items() if key not in {"claimed", "entered", "earlier"}}
    place.memory.write(STATE, name, json.dumps(old).encode())
    place.clock.advance(LEASE_S)
    place.transcription().run(job)
    assert [found.fence for found in entered(place)] == [2]
    assert lease.claim.fence == 1


class Watched(MemoryStore):
    """Tells the name of what is written."""

    def __init__(self, behind: MemoryStore, tell: Callable[[str], object]) -> None:
        super().__init__(FakeClock())
        self.__dict__.update(behind.__dict__)
        self._tell = tell

    def write(self, bucket: str, name: str, data: bytes, **rest: Any) -> StoredObject:
        self._tell(name)
        return super().write(bucket, name, data, **rest)


class Shut(Watched):
    """No record can be written."""

    def __init__(self, behind: MemoryStore) -> None:
        super().__init__(behind, refuse_books)


def refuse_books(name: str) -> None:
    if name.startswith("costs/"):
        raise Retryable("the books are away", code="storage_unavailable")
