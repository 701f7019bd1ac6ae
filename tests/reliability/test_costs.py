"""Invariant I7: whatever dies, and wherever, each attempt is in the books once."""

import json
from collections import Counter

import pytest

from core.attempts import SERVICES, Attempt
from core.errors import AlreadyInProgress
from infra.ledger import LEASE_S
from tests.fakes.process import Process
from tests.fakes.world import COMPLETED, STATE, World, world
from tests.reliability.chain import Chain, seen_by
from tests.reliability.test_crashes import PLACES, STORIES, Story, calls_of_one_delivery, requested


def entered(place: World) -> list[Attempt]:
    return sorted(place.books.of_month("2026-01"), key=lambda found: found.fence)


def attempted(place: World) -> list[int]:
    """The fences of all claims by an engine's service, as the last lease tells."""
    (name,) = place.state("lease.json") or [""]
    lease = json.loads(place.memory.read(STATE, name)) if name else {"earlier": [], "engine": ""}
    claims = [*lease["earlier"], lease]
    return [claim["fence"] for claim in claims if claim["engine"] in SERVICES]


def check_books(place: World) -> None:
    """One record for each attempt, each engine's work in one of them at most, and the event's sum right."""
    records = entered(place)
    assert [found.fence for found in records] == attempted(place)
    told = sum(not found.is_estimate and found.active_s > 0 for found in records)
    untold = sum(found.is_estimate for found in records)
    heard = place.parakeet.heard + place.deepgram.heard
    assert told <= heard <= told + untold
    (event,) = {json.dumps(dict(event.data)) for event in place.broker.on(COMPLETED)}
    said = json.loads(event)
    known = [found for found in records if found.fence <= said["attempts"]]
    assert said["job_cost_usd"] == pytest.approx(sum(found.usd for found in known), abs=1e-7)


@pytest.mark.parametrize("story", STORIES)
def test_each_attempt_is_entered_once_when_nothing_dies(story: Story) -> None:
    place = world()
    story(place)
    Chain(place, twice=True).run(place.upload())
    check_books(place)
    assert not any(found.is_estimate for found in entered(place))
    noted = Counter((found.fence, found.ending) for found in place.noted)
    assert set(noted.values()) <= {1}


@pytest.mark.parametrize(("story", "at"), PLACES)
def test_each_attempt_is_entered_once_when_a_process_dies_at_any_call(story: Story, at: int) -> None:
    place, process = world(), Process(at)
    story(place)
    Chain(place, iter([process])).run(place.upload())
    assert process.dead
    check_books(place)


@pytest.mark.parametrize(("story", "at"), PLACES)
def test_each_attempt_is_entered_once_when_the_next_process_dies_a_few_calls_later(
    story: Story, at: int
) -> None:
    for later in (3, 7, 11):
        place = world()
        story(place)
        Chain(place, iter([Process(at), Process(later)])).run(place.upload())
        check_books(place)


@pytest.mark.parametrize("expired", [False, True], ids=["live", "expired"])
@pytest.mark.parametrize("at", range(1, calls_of_one_delivery() + 1))
def test_twins_are_entered_once_each(at: int, expired: bool) -> None:
    place = world()
    job = requested(place)

    def twin() -> None:
        place.clock.advance((LEASE_S + 1) * expired)
        try:
            place.but(owner="twin").transcription().run(job)
        except AlreadyInProgress:
            assert not expired

    try:
        seen_by(Process(at, twin), place).transcription().run(job)
    except AlreadyInProgress:
        place.transcription().run(job)
    records = entered(place)
    assert [found.fence for found in records] == attempted(place)
    assert sum(found.active_s > 0 for found in records) == place.parakeet.heard
