"""New files once the month's budget is spent."""

from dataclasses import replace

import pytest

from core.budget import Budget, WhenSpent
from core.errors import Retryable
from core.events import Event
from core.jobs import Manifest
from core.parking import Parked
from tests.fakes.world import AUDIO, COMPLETED, NAME, TOPICS, VIDEO, World, world


def broke() -> World:
    return world(spent_usd=1000.0)


@pytest.mark.parametrize(
    ("when_spent", "spent", "parks", "saves"),
    [
        ("park", 9.99, False, False),
        ("park", 10.0, True, False),
        ("cheapest", 9.99, False, False),
        ("cheapest", 10.0, False, True),
    ],
)
def test_a_budget_is_spent_when_nothing_is_left(
    when_spent: WhenSpent, spent: float, parks: bool, saves: bool
) -> None:
    budget = Budget(10.0, when_spent, lambda: spent)
    assert (budget.parks(), budget.saves()) == (parks, saves)


def test_nobody_asks_what_was_spent_where_the_answer_changes_nothing() -> None:
    def unasked() -> float:
        raise AssertionError

    assert not Budget(10.0, "park", unasked).saves()
    assert not Budget(10.0, "cheapest", unasked).parks()


def test_a_new_file_waits_and_nothing_asks_for_its_transcript() -> None:
    place = broke()
    audio = place.upload(metadata={"language": "en"})
    for _ in range(2):
        assert isinstance(place.reception().run(audio), Parked)
    assert place.broker.published == []
    (name,) = place.files("state")
    assert name == f"parked/{audio.job_id}/1.json"


def test_a_file_that_can_not_succeed_does_not_wait_to_be_told_so() -> None:
    place = broke()
    assert isinstance(place.reception().run(place.upload(data=b"")), Manifest)


def test_a_file_that_is_done_is_announced_and_does_not_wait() -> None:
    place = world()
    job = place.job()
    manifest = place.transcription().run(job)
    assert place.but(spent_usd=1000.0).reception().run(job.audio) == manifest


def test_files_go_on_in_their_order_once_there_is_budget() -> None:
    place = broke()
    jobs = []
    for number in (9, 1, 5):
        jobs.append(place.job(name=f"{number}/audio_{number}.mp3", metadata={"language": "en"}))
        place.reception().run(jobs[-1].audio)
        place.clock.advance(1)
    assert place.reception().release_parked() == 0
    richer = place.but(budget_usd=2000.0)
    assert richer.reception().release_parked() == 3
    requested = place.broker.on(TOPICS.requested)
    assert [event.data["job_id"] for event in requested] == [job.id for job in jobs]
    assert requested[0].data["audio"]["metadata"] == {"language": "en"}
    assert place.files("state") == {}
    assert richer.reception().release_parked() == 0


def test_a_file_that_went_while_it_waited_ends_as_deleted() -> None:
    place = broke()
    place.reception().run(place.upload())
    place.memory.delete(AUDIO, NAME)
    assert place.but(spent_usd=0.0).reception().release_parked() == 1
    assert place.broker.on(COMPLETED)[0].data["code"] == "source_deleted"
    assert place.state("1.json") == []


def test_a_file_that_somebody_works_on_waits_and_does_not_hold_up_the_others() -> None:
    place = broke()
    held, other = place.job(), place.job(name="9/audio_9.mp3")
    for job in (held, other):
        place.reception().run(job.audio)
        place.clock.advance(1)
    place.memory.delete(AUDIO, NAME)
    with place.ledger.hold(held, "parakeet"):
        assert place.but(spent_usd=0.0).reception().release_parked() == 1
    assert [event.data["job_id"] for event in place.broker.on(TOPICS.requested)] == [other.id]
    assert place.state("1.json") == [f"parked/{held.id}/1.json"]


def test_a_note_that_goes_away_after_it_was_listed_is_passed_over() -> None:
    place = broke()
    job = place.job()
    place.reception().run(job.audio)
    parking = place.reception().parking
    waiting = parking.waiting()
    stored = list(place.memory.list("state", "parked/"))
    place.memory.delete("state", stored[0].name)
    assert list(waiting) == []
    assert parking.count() == 0


def test_a_sum_that_can_not_be_known_leaves_the_message_for_later() -> None:
    place = world()
    reception = replace(place.reception(), budget=Budget(1.0, "park", _away))
    with pytest.raises(Retryable):
        reception.run(place.upload())
    assert place.broker.published == []


def _away() -> float:
    raise Retryable("away", code="storage_unavailable")


def test_over_the_budget_on_the_cheapest_route_nothing_waits() -> None:
    place = world(spent_usd=1000.0, when_spent="cheapest")
    result = place.reception().run(place.upload())
    assert isinstance(result, Event)
    assert result.data["video_id"] == VIDEO
