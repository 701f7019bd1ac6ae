import json

import pytest

from core import events
from core.cost import Rates, gpu_cost
from core.errors import Damaged, EngineFailed, NotAudio, Retryable
from core.events import Event
from core.formats import output_names
from core.jobs import Manifest
from core.transcript import Gap
from tests.fakes.world import COMPLETED, STATE, TOPICS, VIDEO, World, world


def lease(place: World) -> dict[str, object]:
    (name,) = place.state("lease.json")
    found: dict[str, object] = json.loads(place.memory.read(STATE, name))
    return found


def test_a_job_ends_with_its_files_one_manifest_and_the_news() -> None:
    place = world()
    job = place.job()
    manifest = place.transcription().run(job)
    assert isinstance(manifest, Manifest)
    assert manifest == place.ledger.manifest(job)
    assert set(place.files()) == set(output_names(VIDEO).values())
    assert place.kinds(TOPICS.progress) == ["started"]
    (event,) = place.broker.on(COMPLETED)
    assert (event.type, event.id) == (events.COMPLETED, f"{job.id}/1/completed")
    assert event.data["files"] == {
        kind: f"gs://transcripts/{name}" for kind, name in output_names(VIDEO).items()
    }
    assert lease(place)["released"] is True
    assert not any(name.startswith("outbox/") for name in place.files(STATE))


def test_the_news_carry_the_figures_of_the_engine_that_really_ran() -> None:
    place = world()
    place.parakeet.takes_s = 3.0
    place.transcription().run(place.job())
    data = place.broker.on(COMPLETED)[0].data
    assert (data["engine"], data["model"], data["method"]) == ("parakeet", "parakeet-fake", "parakeet")
    assert (data["audio_s"], data["processing_s"], data["rtfx"]) == (60.0, 3.0, 20.0)
    assert data["cost_usd"] == data["job_cost_usd"] == pytest.approx(gpu_cost(3, Rates()), abs=1e-8)
    assert (data["deepgram_usd"], data["is_dear"]) == (0.0045, False)
    assert (data["words_count"], data["attempts"], data["language"]) == (3, 1, "en")
    assert (data["gaps_count"], data["gaps_s"]) == (0, 0.0)
    assert data["timings_s"] == {"examine": 0.0, "engine": 3.0, "total": 3.0}
    assert data["reasons"] == [{"code": "matrix", "sentence": "parakeet it is"}]


def test_the_news_own_up_to_what_the_transcript_lacks() -> None:
    place = world()
    place.parakeet.gaps = (Gap(10.0, 14.25, "no_words"), Gap(20.0, 21.0005, "not_decodable"))
    place.transcription().run(place.job())
    data = place.broker.on(COMPLETED)[0].data
    assert (data["gaps_count"], data["gaps_s"]) == (2, 5.25)


def test_an_engine_without_a_measurable_time_has_no_speed() -> None:
    place = world()
    place.parakeet.takes_s = 0.0
    place.transcription().run(place.job())
    assert place.broker.on(COMPLETED)[0].data["rtfx"] is None


def test_a_repeated_request_says_the_same_again_and_writes_nothing() -> None:
    place = world()
    job = place.job()
    first = place.transcription().run(job)
    before = {bucket: list(place.memory.list(bucket)) for bucket in (STATE, "transcripts")}
    place.clock.advance(3600)
    assert place.transcription().run(job) == first
    assert {bucket: list(place.memory.list(bucket)) for bucket in before} == before
    one, two = place.broker.on(COMPLETED)
    assert one == two
    assert place.parakeet.heard == 1


@pytest.mark.parametrize(
    "error", [NotAudio("no stream", code="no_audio_stream"), Damaged("breaks off", code="truncated")]
)
@pytest.mark.parametrize("where", ["probe", "engine"])
def test_a_file_that_is_refused_ends_failed_with_the_code(error: Exception, where: str) -> None:
    place = world()
    (place.reader if where == "probe" else place.parakeet).failures = [error]
    manifest = place.transcription().run(place.job())
    assert isinstance(manifest, Manifest)
    data = place.broker.on(COMPLETED)[0].data
    assert (data["outcome"], data["message"], data["retryable"]) == ("failed", str(error), False)
    assert data["code"] in {"no_audio_stream", "truncated"}
    assert place.files() == {}
    assert place.broker.on(TOPICS.fallback) == []


def test_one_failure_that_would_repeat_itself_moves_the_job_to_the_fallback() -> None:
    place = world()
    failure = EngineFailed("cuda is lost", code="engine_out_of_memory", deterministic=True)
    place.parakeet.failures = [failure]
    job = place.job()
    result = place.transcription().run(job)
    assert isinstance(result, Event)
    assert place.broker.on(TOPICS.fallback) == [result]
    assert result.data["reasons"] == [{"code": "engine_out_of_memory", "sentence": "cuda is lost"}]
    assert place.kinds(TOPICS.progress) == ["started", "progress"]
    assert place.broker.on(COMPLETED) == []
    assert place.ledger.manifest(job) is None


def test_a_failure_by_chance_is_tried_once_more_and_then_moves_the_job() -> None:
    place = world()
    place.parakeet.failures = [EngineFailed("first"), EngineFailed("second")]
    job = place.job()
    with pytest.raises(EngineFailed, match="first"):
        place.transcription().run(job)
    assert (lease(place)["released"], lease(place)["engine_failures"]) == (True, {"parakeet": 1})
    assert place.broker.on(TOPICS.fallback) == []
    result = place.transcription().run(job)
    assert isinstance(result, Event)
    assert result.data["reasons"][0]["sentence"] == "second"


def test_a_second_try_that_works_is_the_end_of_it() -> None:
    place = world()
    place.parakeet.failures = [EngineFailed("first")]
    job = place.job()
    with pytest.raises(EngineFailed):
        place.transcription().run(job)
    manifest = place.transcription().run(job)
    assert isinstance(manifest, Manifest)
    assert (manifest.outcome, manifest.body["attempts"], manifest.fence) == ("completed", 2, 2)


def test_a_job_that_may_not_fall_back_ends_failed_with_the_engines_code() -> None:
    place = world(may_fall_back=False)
    place.parakeet.failures = [EngineFailed("no model", code="engine_model_unavailable", deterministic=True)]
    place.transcription().run(place.job())
    data = place.broker.on(COMPLETED)[0].data
    assert (data["code"], data["retryable"]) == ("engine_model_unavailable", True)
    assert data["engine_failures"] == {"parakeet": 2}
    assert place.broker.on(TOPICS.fallback) == []


def test_the_fallback_hears_what_parakeet_gave_up() -> None:
    place = world()
    place.parakeet.failures = [EngineFailed("no", deterministic=True)]
    job = place.job()
    place.transcription().run(job)
    place.fallback().run(job)
    data = place.broker.on(COMPLETED)[0].data
    assert (data["engine"], data["attempts"]) == ("deepgram", 2)


def test_a_repeated_request_for_a_job_that_was_handed_over_hands_it_over_again() -> None:
    place = world()
    place.parakeet.failures = [EngineFailed("no", deterministic=True)]
    job = place.job()
    place.transcription().run(job)
    again = place.transcription().run(job)
    assert isinstance(again, Event)
    assert len({event.id for event in place.broker.on(TOPICS.fallback)}) == 1
    assert place.parakeet.heard == 1
    assert lease(place)["engine_failures"] == {"parakeet": 2}


def test_a_job_that_is_routed_to_another_engine_is_handed_over_with_the_reasons() -> None:
    place = world(method="deepgram")
    job = place.job()
    result = place.transcription().run(job)
    assert isinstance(result, Event)
    assert result.type == events.FALLBACK_REQUESTED
    assert result.data["reasons"] == [{"code": "matrix", "sentence": "deepgram it is"}]
    assert events.job_of(result.data) == job
    assert place.parakeet.heard == 0


@pytest.mark.parametrize("where", ["probe", "engine"])
def test_what_mends_itself_leaves_the_job_free_and_blames_no_engine(where: str) -> None:
    place = world()
    (place.reader if where == "probe" else place.parakeet).failures = [Retryable("away")]
    job = place.job()
    with pytest.raises(Retryable, match="away"):
        place.transcription().run(job)
    assert (lease(place)["released"], lease(place)["engine_failures"]) == (True, {})
    assert isinstance(place.transcription().run(job), Manifest)


def test_a_defect_is_not_caught_and_leaves_the_job_free() -> None:
    place = world()
    place.parakeet.failures = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        place.transcription().run(place.job())
    assert lease(place)["released"] is True
