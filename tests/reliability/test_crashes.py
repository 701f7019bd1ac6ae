"""Invariants I1 to I6 in small: whatever dies, and wherever, a file ends once.

Every call of the whole chain to the store or to the broker is a place to die. Dying after a call is the same
as dying before the next one, since nothing but calls leaves a trace.
"""

import json
from collections.abc import Callable

import pytest

from core.audio import AudioObject
from core.errors import AlreadyInProgress, EngineFailed, NotAudio, Retryable
from core.events import job_of
from core.jobs import Job
from infra.ledger import LEASE_S
from tests.fakes.process import Process
from tests.fakes.world import COMPLETED, NAME, STATE, TOPICS, TRANSCRIPTS, VIDEO, World, world
from tests.reliability.chain import Chain, seen_by

Story = Callable[[World], None]


def plain(_: World) -> None:
    """Nothing goes wrong."""


def not_audio(place: World) -> None:
    """The file ends at ingest, or later when the probe works once."""
    place.reader.failures = [NotAudio(NAME) for _ in range(20)]


def engine_gives_up(place: World) -> None:
    """Parakeet can't, so Deepgram must."""
    place.parakeet.failures = [EngineFailed("no", deterministic=True) for _ in range(20)]


def engine_stumbles(place: World) -> None:
    """Parakeet fails once by chance."""
    place.parakeet.failures = [EngineFailed("no")]


def storage_stumbles(place: World) -> None:
    """The audio can't be read once."""
    place.parakeet.failures = [Retryable("no", code="storage_unavailable")]


STORIES: tuple[Story, ...] = (plain, not_audio, engine_gives_up, engine_stumbles, storage_stumbles)


def calls_of(story: Story) -> int:
    """How many calls the undisturbed chain makes."""
    place, process = world(), Process()
    story(place)
    Chain(place, iter([process])).run(place.upload())
    return process.calls


PLACES = [(story, at) for story in STORIES for at in range(1, calls_of(story) + 1)]


def undisturbed(engine: str) -> dict[str, bytes]:
    """The outputs, when nothing goes wrong."""
    place = world(method=engine)
    Chain(place).run(place.upload())
    return place.files()


EXPECTED = {engine: undisturbed(engine) for engine in ("parakeet", "deepgram")}


def check(place: World) -> None:
    """The invariants, once no message is left."""
    manifests = [json.loads(place.memory.read(STATE, name)) for name in place.state("manifest.json")]
    assert len(manifests) == 1
    ended = place.broker.on(COMPLETED)
    assert len({event.id for event in ended}) == 1
    assert len({json.dumps(dict(event.data), sort_keys=True) for event in ended}) == 1
    assert [name for name in place.files(STATE) if name.startswith("outbox/")] == []
    if manifests[0]["outcome"] == "completed":
        assert place.files() == EXPECTED[manifests[0]["body"]["engine"]]
        assert place.videos.writes == {VIDEO: ["Transcribing"]}
        assert set(place.videos.urls[VIDEO]) == {"transcript_url", "transcriptWords_url"}
    else:
        assert place.files() == {}
        assert place.videos.writes[VIDEO][-1] == "Failed"
        assert place.videos.urls == {}


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("story", STORIES)
def test_a_file_ends_once_when_nothing_dies(story: Story, twice: bool) -> None:
    place = world()
    story(place)
    Chain(place, twice=twice).run(place.upload())
    check(place)


@pytest.mark.parametrize(("story", "at"), PLACES)
def test_a_file_ends_once_when_a_process_dies_at_any_call(story: Story, at: int) -> None:
    place, process = world(), Process(at)
    story(place)
    Chain(place, iter([process])).run(place.upload())
    assert process.dead
    check(place)


@pytest.mark.parametrize(("story", "at"), PLACES)
def test_a_file_ends_once_when_a_process_dies_and_every_message_comes_twice(story: Story, at: int) -> None:
    place, process = world(), Process(at)
    story(place)
    Chain(place, iter([process]), twice=True).run(place.upload())
    assert process.dead
    check(place)


@pytest.mark.parametrize("at", range(1, calls_of(plain) + 1))
def test_a_file_ends_once_when_the_next_process_dies_too(at: int) -> None:
    later = 1
    while True:
        place, second = world(), Process(later)
        Chain(place, iter([Process(at), second])).run(place.upload())
        check(place)
        if not second.dead:
            return
        later += 1


def requested(place: World) -> Job:
    """A job as far as its request."""
    place.reception().run(place.upload())
    return job_of(place.broker.on(TOPICS.requested)[0].data)


def calls_of_one_delivery() -> int:
    place, process = world(), Process()
    seen_by(process, place).transcription().run(requested(place))
    return process.calls


@pytest.mark.parametrize("expired", [False, True], ids=["live", "expired"])
@pytest.mark.parametrize("at", range(1, calls_of_one_delivery() + 1))
def test_a_file_ends_once_when_a_twin_runs_in_the_middle_of_a_delivery(at: int, expired: bool) -> None:
    place = world()
    job = requested(place)

    def twin() -> None:
        place.clock.advance((LEASE_S + 1) * expired)
        try:
            place.but(owner="twin").transcription().run(job)
        except AlreadyInProgress:
            assert not expired

    process = Process(at, twin)
    try:
        seen_by(process, place).transcription().run(job)
    except AlreadyInProgress:
        place.transcription().run(job)
    Chain(place).run()
    check(place)


@pytest.mark.parametrize("expired", [False, True], ids=["live", "expired"])
@pytest.mark.parametrize("at", range(1, calls_of_one_delivery() + 1))
def test_a_twin_that_is_overtaken_makes_the_engine_work_only_when_its_lease_expired(
    at: int, expired: bool
) -> None:
    place = world()
    job = requested(place)

    def twin() -> None:
        place.clock.advance((LEASE_S + 1) * expired)
        try:
            place.but(owner="twin").transcription().run(job)
        except AlreadyInProgress:
            return

    try:
        seen_by(Process(at, twin), place).transcription().run(job)
    except AlreadyInProgress:
        place.transcription().run(job)
    assert place.parakeet.heard <= 1 + expired


@pytest.mark.parametrize("deaths", [1, 2, 5])
def test_a_file_that_kills_the_process_in_the_engine_ends_by_the_other_one(deaths: int) -> None:
    place = world()
    processes = [Process() for _ in range(deaths + 1)]
    engine_calls = iter(processes[:deaths])

    def die() -> None:
        process = next(engine_calls, None)
        if process:
            process.die()

    place.parakeet.meanwhile = die
    Chain(place, iter(processes)).run(place.upload())
    check(place)
    (event,) = place.broker.on(COMPLETED)
    assert event.data["engine"] == ("parakeet" if deaths == 1 else "deepgram")
    assert place.parakeet.heard == 2


def newer_wins(place: World, newest: AudioObject) -> None:
    """All outputs are the newer generation's, and the video's record speaks of it."""
    outputs = place.files()
    assert len(outputs) == 6
    marks = [found.metadata["klipscribe-generation"] for found in place.memory.list(TRANSCRIPTS)]
    assert set(marks) == {str(newest.generation)}
    assert len(place.state("manifest.json")) == 2
    assert place.videos.writes[VIDEO] == ["Transcribing"]
    assert set(place.videos.urls[VIDEO]) == {"transcript_url", "transcriptWords_url"}
    ended = {event.data["job_id"] for event in place.broker.on(COMPLETED)}
    assert len(ended) == 2


@pytest.mark.parametrize("at", range(1, calls_of(plain) + 1))
def test_the_newer_generation_wins_wherever_the_older_one_is_overtaken(at: int) -> None:
    place = world()
    newer: list[AudioObject] = []

    def replaced() -> None:
        newer.append(place.upload(data=b"better audio"))
        reached = len(place.broker.published)
        other = Chain(place, delivered=reached)
        other.run(newer[0])

    Chain(place, iter([Process(at, replaced)])).run(place.upload())
    newer_wins(place, newer[0])


@pytest.mark.parametrize("at", range(1, calls_of(plain) + 1))
def test_the_newer_generation_wins_when_both_wait_and_the_first_process_dies(at: int) -> None:
    place = world()
    older = place.upload()
    newer = place.upload(data=b"better audio")
    Chain(place, iter([Process(at)])).run(newer, older)
    newer_wins(place, newer)
