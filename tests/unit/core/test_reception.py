from dataclasses import replace

import pytest

from core import events
from core.audio import MAX_NAME_BYTES
from core.errors import AlreadyInProgress, NotAudio, Retryable
from core.events import Event, job_of
from core.jobs import Job, Manifest
from core.routing import Reason
from tests.fakes.world import AUDIO, COMPLETED, NAME, TOPICS, VIDEO, world

REASONS = [Reason("forced", "Deepgram is forced")]


def test_an_upload_is_requested_once_and_nothing_else_is_written() -> None:
    place = world()
    audio = place.upload(metadata={"language": "en"})
    event = place.reception().run(audio)
    assert isinstance(event, Event)
    assert [(TOPICS.requested, event)] == place.broker.published
    assert event.type == events.REQUESTED
    assert job_of(event.data) == Job(audio)
    assert place.files("state") == {}


def test_a_repeated_upload_event_asks_with_the_same_id() -> None:
    place = world()
    audio = place.upload()
    place.reception().run(audio)
    place.clock.advance(60)
    place.reception().run(audio)
    assert len({event.id for event in place.broker.on(TOPICS.requested)}) == 1


def test_a_file_that_no_gpu_could_help_goes_straight_to_the_fallback() -> None:
    place = world(shortcut=REASONS)
    place.reception().run(place.upload())
    (event,) = place.broker.on(TOPICS.fallback)
    assert event.type == events.FALLBACK_REQUESTED
    assert event.data["reasons"] == [{"code": "forced", "sentence": "Deepgram is forced"}]
    assert place.broker.on(TOPICS.requested) == []


@pytest.mark.parametrize("name", [f"{VIDEO}/{VIDEO}.mp4", f"{VIDEO}/audio_{VIDEO}_waveform.json"])
def test_what_is_no_audio_is_passed_over_in_silence(name: str) -> None:
    place = world()
    assert place.reception().run(place.upload(name=name)) is None
    assert place.broker.published == []
    assert place.files("state") == {}


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        (NAME, b"", "empty"),
        (NAME, b"x" * 1001, "too_large"),
        ("7/audio_8.mp3", b"x", "id_mismatch"),
        ("x" * (MAX_NAME_BYTES - 4) + ".mp3", b"x", "name_too_long"),
    ],
)
def test_what_can_never_succeed_ends_here(name: str, data: bytes, code: str) -> None:
    place = world()
    result = place.reception().run(place.upload(name=name, data=data))
    assert isinstance(result, Manifest)
    (event,) = place.broker.on(COMPLETED)
    assert (event.type, event.data["code"], event.data["retryable"]) == (events.FAILED, code, False)
    assert place.broker.on(TOPICS.requested) == []


def test_the_size_is_the_one_that_the_store_knows() -> None:
    place = world()
    huge = place.upload(data=b"x" * 1001)
    assert isinstance(place.reception().run(replace(huge, size_bytes=1)), Manifest)
    whole = place.upload()
    assert isinstance(place.reception().run(replace(whole, size_bytes=0)), Event)


def test_what_the_header_refuses_ends_here() -> None:
    short, low, other = world(), world(), world()
    short.reader.duration_s = 0.5
    low.reader.sample_rate_hz = 4_000
    other.reader.failures = [NotAudio("no stream", code="no_audio_stream")]
    for place in (short, low, other):
        place.reception().run(place.upload())
    codes = [place.broker.on(COMPLETED)[0].data["code"] for place in (short, low, other)]
    assert codes == ["too_short", "sample_rate_too_low", "no_audio_stream"]


def test_a_file_that_was_deleted_ends_as_deleted() -> None:
    place = world()
    audio = place.upload()
    place.memory.delete(AUDIO, NAME)
    place.reception().run(audio)
    (event,) = place.broker.on(COMPLETED)
    assert (event.data["code"], event.data["superseded"]) == ("source_deleted", False)


def test_a_file_that_was_replaced_ends_as_superseded() -> None:
    place = world()
    older, newer = place.upload(), place.upload()
    place.reception().run(older)
    (event,) = place.broker.on(COMPLETED)
    assert (event.data["code"], event.data["superseded"]) == ("superseded", True)
    assert f"{older.generation} was replaced by {newer.generation}" in event.data["message"]


def test_an_older_file_at_the_place_of_a_deleted_one_does_not_supersede_it() -> None:
    place = world()
    older = place.upload()
    place.reception().run(replace(older, generation=older.generation + 1))
    assert place.broker.on(COMPLETED)[0].data["code"] == "source_deleted"


def test_a_job_that_has_its_outcome_is_announced_again_and_not_requested() -> None:
    place = world()
    job = place.job()
    manifest = place.transcription().run(job)
    published = len(place.broker.on(COMPLETED))
    assert place.reception().run(job.audio) == manifest
    assert len(place.broker.on(COMPLETED)) == published + 1
    assert place.broker.on(TOPICS.requested) == []


def test_storage_that_is_away_leaves_the_message_for_later() -> None:
    place = world()
    place.reader.failures = [Retryable("no", code="storage_unavailable")]
    with pytest.raises(Retryable):
        place.reception().run(place.upload())
    assert place.broker.published == []


def test_a_file_that_vanished_while_somebody_hears_it_is_not_ended_under_their_hands() -> None:
    place = world()
    job = place.job()
    place.memory.delete(AUDIO, NAME)
    with place.ledger.hold(job, "parakeet"), pytest.raises(AlreadyInProgress):
        place.reception().run(job.audio)
    assert place.broker.published == []
