import json
import re
from typing import Any

import pytest

from core import events
from core.errors import AlreadyInProgress, MalformedMessage
from core.jobs import Claim
from core.routing import Reason
from tests.fakes.world import COMPLETED, STATE, world

REASONS = [Reason("c", "s")]


def message(event: events.Event) -> dict[str, Any]:
    return {"type": event.type, "attributes": dict(event.attributes), "data": dict(event.data)}


@pytest.mark.parametrize("kind", [events.REQUESTED, events.FALLBACK_REQUESTED])
def test_a_given_up_work_message_ends_its_job_and_is_kept_for_replay(kind: str) -> None:
    place = world()
    job = place.job()
    now = place.clock.now()
    asked = (events.requested(job, now), events.fallback_requested(job, now, REASONS))
    event = next(event for event in asked if event.type == kind)
    manifest = place.dead_letters().run(kind, event.id, message(event), 20)
    assert manifest is not None
    (ended,) = place.broker.on(COMPLETED)
    assert (ended.data["code"], ended.data["retryable"]) == ("deliveries_exhausted", True)
    assert ended.data["message"] == f"{job.audio.uri}: given up after 20 deliveries"
    [name] = [stored.name for stored in place.memory.list(STATE, f"dead-letters/{job.id}/")]
    kept = place.memory.read(STATE, name)
    assert json.loads(kept) == message(event)


def test_a_given_up_message_of_a_job_that_ended_well_changes_nothing() -> None:
    place = world()
    job = place.job()
    done = place.transcription().run(job)
    event = events.requested(job, place.clock.now())
    assert place.dead_letters().run(event.type, event.id, message(event), 20) == done
    assert set(place.kinds(COMPLETED)) == {"completed"}


def test_a_given_up_message_of_a_job_that_is_worked_on_comes_again() -> None:
    place = world()
    job = place.job()
    event = events.requested(job, place.clock.now())
    with place.ledger.hold(job, "parakeet"), pytest.raises(AlreadyInProgress):
        place.dead_letters().run(event.type, event.id, message(event), 20)
    assert place.broker.published == []
    assert len([name for name in place.state(".json") if name.startswith("dead-letters/")]) == 1


def test_a_notifiers_message_is_parked_and_the_outcome_stands() -> None:
    place = world()
    event = events.started(Claim(place.job(), "me", 1, 1), place.clock.now(), "parakeet")
    assert place.dead_letters().run(event.type, event.id, message(event), 100) is None
    assert place.broker.published == []
    (name,) = place.files(STATE)
    assert re.fullmatch(r"dead-letters/parked/[0-9a-f]{32}\.json", name)


def test_a_work_message_that_cannot_be_read_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        world().dead_letters().run(events.REQUESTED, "id", {"data": {}}, 20)


def test_a_malformed_body_is_kept_without_a_trace_of_it_in_the_name() -> None:
    place = world()
    place.dead_letters().record_malformed(b"\xffsecret" + b"x" * 100_000, "no JSON")
    ((name, data),) = place.files(STATE).items()
    assert re.fullmatch(r"dead-letters/malformed/2026-01-01T00:00:00\+00:00-[0-9a-f]{32}\.json", name)
    kept = json.loads(data)
    assert kept["reason"] == "no JSON"
    assert kept["body"].startswith("\ufffdsecret")
    assert len(kept["body"]) == 65536
