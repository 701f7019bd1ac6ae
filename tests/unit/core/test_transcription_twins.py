"""Transcription beside others: twins, dead owners, and other generations of the file."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from core.errors import AlreadyInProgress, Damaged, EngineFailed, Retryable
from core.events import Event
from core.formats import Kind, OutputFile
from core.jobs import Job, Manifest
from core.ports import ObjectNotFound
from infra.ledger import LEASE_S
from tests.fakes.process import Crash
from tests.fakes.world import AUDIO, COMPLETED, NAME, STATE, TOPICS, World, world

FAILED_FOR_GOOD = EngineFailed("no", deterministic=True)


def lease(place: World) -> dict[str, object]:
    (name,) = place.state("lease.json")
    found: dict[str, object] = json.loads(place.memory.read(STATE, name))
    return found


def die_in_the_engine(place: World, job: Job) -> None:
    """What a killed process leaves: a lease that nobody gives back."""
    holder = place.ledger._claim(job, "parakeet")
    assert holder.claim.fence >= 1


def test_a_job_that_another_delivery_works_on_is_left_to_it_after_a_wait() -> None:
    place = world(wait_s=10.0)
    job = place.job()
    die_in_the_engine(place, job)
    with pytest.raises(AlreadyInProgress):
        place.transcription().run(job)
    assert sum(place.clock.slept) == 10.0
    assert place.broker.published == []


def test_a_dead_owner_counts_as_a_failure_of_its_engine() -> None:
    place = world()
    job = place.job()
    die_in_the_engine(place, job)
    place.clock.advance(LEASE_S)
    manifest = place.transcription().run(job)
    assert isinstance(manifest, Manifest)
    assert (manifest.fence, manifest.body["attempts"]) == (2, 2)
    assert lease(place)["engine_failures"] == {"parakeet": 1}


@pytest.mark.parametrize("may_fall_back", [True, False])
def test_a_file_that_kills_the_process_twice_is_not_heard_by_that_engine_again(may_fall_back: bool) -> None:
    place = world(may_fall_back=may_fall_back)
    job = place.job()
    for _ in range(2):
        die_in_the_engine(place, job)
        place.clock.advance(LEASE_S)
    result = place.transcription().run(job)
    assert place.parakeet.heard == 0
    if may_fall_back:
        assert isinstance(result, Event)
        assert "ended with it, counted as 2" in result.data["reasons"][0]["sentence"]
    else:
        assert place.broker.on(COMPLETED)[0].data["code"] == "engine_failed"


def test_a_slower_twin_yields_and_says_how_the_winner_ended() -> None:
    place = world()
    job = place.job()
    winners: list[object] = []

    def overtaken() -> None:
        place.parakeet.meanwhile = lambda: None
        place.clock.advance(LEASE_S)
        winners.append(place.but(owner="twin").transcription().run(job))

    place.parakeet.meanwhile = overtaken
    assert place.transcription().run(job) == winners[0]
    assert len(place.state("manifest.json")) == 1
    assert {event.data["attempts"] for event in place.broker.on(COMPLETED)} == {2}
    assert (lease(place)["fence"], lease(place)["released"]) == (2, True)


@pytest.mark.parametrize("error", [FAILED_FOR_GOOD, Damaged("it breaks off", code="corrupt")])
@pytest.mark.parametrize("may_fall_back", [True, False])
def test_who_lost_the_job_neither_ends_it_nor_hands_it_over(error: Exception, may_fall_back: bool) -> None:
    place = world(may_fall_back=may_fall_back)
    job = place.job()
    place.parakeet.failures = [error]

    def taken_over() -> None:
        place.clock.advance(LEASE_S)
        place.ledger._claim(job, "parakeet")

    place.parakeet.meanwhile = taken_over
    with pytest.raises(AlreadyInProgress, match="took it over"):
        place.transcription().run(job)
    assert place.state("manifest.json") == []
    assert place.kinds(TOPICS.fallback) == []
    assert (lease(place)["fence"], lease(place)["released"]) == (2, False)


def test_a_failure_that_nobody_can_confirm_is_recorded_by_a_later_delivery() -> None:
    place = world()
    job = place.job()
    with place.ledger.hold(job, "parakeet") as claim:
        claim.confirm = _away
        with pytest.raises(Retryable):
            place.outcomes.fail(claim, FAILED_FOR_GOOD)
    assert place.state("manifest.json") == []


def _away() -> None:
    raise Retryable("away")


def test_a_lease_that_was_lost_does_not_touch_its_successors() -> None:
    place = world()
    job = place.job()
    claims = [place.ledger._claim(job, "parakeet")]
    place.clock.advance(LEASE_S)
    claims.append(place.ledger._claim(job, "parakeet"))
    before = lease(place)
    claims[0].renew()
    claims[0].release()
    assert claims[0].lost
    assert lease(place) == before


def test_a_file_that_is_deleted_before_it_is_read_ends_as_deleted() -> None:
    place = world()
    job = place.job()
    place.memory.delete(AUDIO, NAME)
    place.transcription().run(job)
    data = place.broker.on(COMPLETED)[0].data
    assert (data["code"], data["superseded"]) == ("source_deleted", False)


def test_a_file_that_is_replaced_before_it_is_read_ends_as_superseded() -> None:
    place = world()
    job = place.job()
    newer = place.upload()
    place.transcription().run(job)
    event = place.broker.on(COMPLETED)[0]
    assert (event.data["code"], event.data["superseded"]) == ("superseded", True)
    assert f"replaced by {newer.generation}" in event.data["message"]
    assert event.attributes["superseded"] == "true"


@pytest.mark.parametrize(("newer", "code"), [(False, "source_deleted"), (True, "superseded")])
def test_a_file_that_goes_while_it_is_heard_ends_by_what_became_of_it(newer: bool, code: str) -> None:
    place = world()
    job = place.job()
    place.parakeet.meanwhile = place.upload if newer else (lambda: place.memory.delete(AUDIO, NAME))
    place.transcription().run(job)
    assert place.broker.on(COMPLETED)[0].data["code"] == code
    assert lease(place)["engine_failures"] == {}


def test_a_lost_object_that_is_not_the_audio_is_no_verdict_on_the_audio() -> None:
    place = world()
    use_case = replace(place.transcription(), render=_lose)
    with pytest.raises(ObjectNotFound, match="a state object"):
        use_case.run(place.job())
    assert place.broker.on(COMPLETED) == []


def _lose(*_: object) -> Mapping[Kind, OutputFile]:
    raise ObjectNotFound("a state object")


def generations(place: World) -> set[str]:
    return {about.metadata["klipscribe-generation"] for about in place.memory.list("transcripts")}


def test_a_newer_generation_replaces_the_outputs_of_the_older() -> None:
    place = world()
    place.transcription().run(place.job())
    newer = place.job()
    place.transcription().run(newer)
    assert generations(place) == {str(newer.audio.generation)}
    assert [event.data["superseded"] for event in place.broker.on(COMPLETED)] == [False, False]


def test_an_older_generation_that_comes_later_changes_nothing() -> None:
    place = world()
    older, newer = place.job(), place.job()
    place.transcription().run(newer)
    place.transcription().run(older)
    assert generations(place) == {str(newer.audio.generation)}
    assert [event.data["superseded"] for event in place.broker.on(COMPLETED)] == [False, True]


def test_an_older_generation_that_is_slow_never_replaces_the_newer_outputs() -> None:
    place = world()
    older = place.job()
    with pytest.raises(Crash):
        _crash_at_the_announcement(place, older)
    newer = place.job()
    place.transcription().run(newer)
    place.transcription().run(older)
    late = place.broker.on(COMPLETED)[-1]
    assert (late.data["outcome"], late.data["superseded"]) == ("completed", True)
    assert generations(place) == {str(newer.audio.generation)}


def _crash_at_the_announcement(place: World, job: Job) -> None:
    class Dead:
        def publish(self, topic: str, event: Event) -> None:
            if topic == COMPLETED:
                raise Crash
            place.broker.publish(topic, event)

    use_case = place.but(publisher=Dead()).transcription()
    use_case.run(job)
