from collections.abc import Callable
from dataclasses import replace

import pytest

from core.audio import AudioObject
from core.errors import AlreadyInProgress, Damaged, Retryable
from core.formats import OutputFile
from core.jobs import Claim, Job, Manifest
from core.ports import ObjectNotFound
from tests.fakes.process import Process
from tests.fakes.world import COMPLETED, STATE, TRANSCRIPTS, World, world

AUDIO = AudioObject("audio", "7/audio_7.mp3", 100, 5)
JOB = Job(AUDIO)
CORRUPT = Damaged("the audio breaks off at 3 s", code="corrupt")


def done(place: World, job: Job, text: str, fence: int = 1) -> Manifest:
    claim = Claim(job, "me", fence=fence, attempt=fence)
    file = OutputFile("7/audio_7_words.csv", "text/csv; charset=utf-8", text.encode())
    return place.outcomes.complete(claim, {"words": file}, lambda: {"engine": "fake"})


def text(place: World) -> bytes:
    return place.memory.read(TRANSCRIPTS, "7/audio_7_words.csv")


def superseded(place: World) -> list[bool]:
    return [event.data["superseded"] for event in place.broker.on(COMPLETED)]


def test_files_are_staged_under_run_and_fence_before_the_world_sees_them() -> None:
    place = world()
    manifest = done(place, replace(JOB, run=2), "words", fence=3)
    assert [file.staged for file in manifest.files] == [f"runs/{JOB.id}/2/3/words"]
    assert place.memory.read(STATE, manifest.files[0].staged) == b"words"
    assert place.files() == {}


def test_a_public_file_says_what_it_came_from() -> None:
    place = world()
    place.outcomes.announce(done(place, JOB, "words"))
    about = place.memory.stat(TRANSCRIPTS, "7/audio_7_words.csv")
    assert about is not None
    assert about.content_type == "text/csv; charset=utf-8"
    assert about.metadata == {
        "klipscribe-generation": "100",
        "klipscribe-run": "1",
        "klipscribe-job": f"{JOB.id}/1/1",
    }


def test_announcing_again_writes_nothing_and_needs_no_staged_file() -> None:
    place = world()
    manifest = done(place, JOB, "words")
    place.outcomes.announce(manifest)
    before = place.memory.stat(TRANSCRIPTS, "7/audio_7_words.csv")
    place.memory.delete(STATE, manifest.files[0].staged)
    place.outcomes.announce(manifest)
    assert place.memory.stat(TRANSCRIPTS, "7/audio_7_words.csv") == before
    first, second = place.broker.on(COMPLETED)
    assert first == second


def test_a_public_file_that_somebody_removed_comes_back() -> None:
    place = world()
    manifest = done(place, JOB, "words")
    place.outcomes.announce(manifest)
    place.memory.delete(TRANSCRIPTS, "7/audio_7_words.csv")
    place.outcomes.announce(manifest)
    assert text(place) == b"words"


def test_a_file_of_unknown_origin_is_replaced() -> None:
    place = world()
    place.memory.write(TRANSCRIPTS, "7/audio_7_words.csv", b"by the old pipeline")
    place.outcomes.announce(done(place, JOB, "words"))
    assert text(place) == b"words"
    assert superseded(place) == [False]


NEWER = [
    Job(replace(AUDIO, generation=101)),
    replace(JOB, run=2),
    Job(replace(AUDIO, name="7/a.mp3", generation=101)),
]


@pytest.mark.parametrize("newer", NEWER, ids=["generation", "run", "other object"])
@pytest.mark.parametrize("older_first", [True, False])
def test_the_newer_outputs_win_in_either_order(newer: Job, older_first: bool) -> None:
    place = world()
    manifests = [done(place, JOB, "old"), done(place, newer, "new")]
    for manifest in manifests if older_first else reversed(manifests):
        place.outcomes.announce(manifest)
    assert text(place) == b"new"
    assert superseded(place) == ([False, False] if older_first else [False, True])


def test_an_older_run_that_is_announced_again_does_not_come_back() -> None:
    place = world()
    older, newer = done(place, JOB, "old"), done(place, replace(JOB, run=2), "new")
    for manifest in (older, newer, older):
        place.outcomes.announce(manifest)
    assert text(place) == b"new"


def racing(place: World, at: int, rival: Callable[[], object]) -> World:
    return place.but(store=Process(at, rival).store(place.store))


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_newer_file_that_appears_during_the_promotion_stays(at: int) -> None:
    place = world()
    older, newer = done(place, JOB, "old"), done(place, NEWER[0], "new")
    racing(place, at, lambda: place.outcomes.announce(newer)).outcomes.announce(older)
    assert text(place) == b"new"


def test_a_file_that_others_never_stop_writing_is_left_for_later() -> None:
    place = world()
    manifest = done(place, JOB, "words")

    class Busy(Process):
        def pass_out(self, call: Callable[[], object]) -> object:
            found = super().pass_out(call)
            place.memory.write(TRANSCRIPTS, "7/audio_7_words.csv", b"rival")
            return found

    busy = place.but(store=Busy().store(place.store))
    with pytest.raises(Retryable, match=r"gs://transcripts/7/audio_7_words\.csv: .* 8 tries") as caught:
        busy.outcomes.announce(manifest)
    assert caught.value.code == "storage_unavailable"
    assert place.broker.published == []


def test_a_staged_file_that_is_lost_before_it_was_public_is_never_passed_over() -> None:
    place = world()
    manifest = done(place, JOB, "words")
    place.memory.delete(STATE, manifest.files[0].staged)
    with pytest.raises(ObjectNotFound):
        place.outcomes.announce(manifest)
    assert place.broker.published == []


def test_a_failure_says_why_and_whether_a_replay_may_help() -> None:
    place = world()
    claim = Claim(JOB, "me", fence=2, attempt=2, engine_failures={"parakeet": 1})
    body = dict(place.outcomes.fail(claim, CORRUPT).body)
    assert body == {
        "code": "corrupt",
        "message": "the audio breaks off at 3 s",
        "retryable": False,
        "attempts": 2,
        "engine_failures": {"parakeet": 1},
    }
    other = Claim(replace(JOB, run=2), "me", fence=1, attempt=1)
    assert place.outcomes.fail(other, Retryable("m")).body["retryable"] is True


def test_closing_a_job_ends_it_as_failed() -> None:
    place = world()
    manifest = place.outcomes.close(JOB, "ingest", CORRUPT)
    assert manifest.outcome == "failed"
    assert [event.data["code"] for event in place.broker.on(COMPLETED)] == ["corrupt"]
    assert place.ledger.manifest(JOB) == manifest


def test_closing_a_job_that_has_its_outcome_leaves_it_and_says_it_again() -> None:
    place = world()
    first = done(place, JOB, "words")
    assert place.outcomes.close(JOB, "dead-letter", CORRUPT) == first
    assert place.kinds(COMPLETED) == ["completed"]


def test_closing_a_job_that_somebody_works_on_waits_for_another_delivery() -> None:
    place = world()
    with place.ledger.hold(JOB, "parakeet"), pytest.raises(AlreadyInProgress):
        place.outcomes.close(JOB, "dead-letter", CORRUPT)
    assert place.broker.published == []


def test_closing_a_job_that_ends_in_the_meantime_says_how_it_ended() -> None:
    place = world()
    ends: list[Manifest] = []
    rival = racing(place, 4, lambda: ends.append(done(place, JOB, "words", fence=9)))
    assert rival.outcomes.close(JOB, "dead-letter", CORRUPT) == ends[0]
    assert place.kinds(COMPLETED) == ["completed"]


def test_a_complete_job_without_a_manifest_is_a_defect_that_names_the_job() -> None:
    with pytest.raises(LookupError, match=JOB.id):
        world().outcomes.recorded(JOB)
