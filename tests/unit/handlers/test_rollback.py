"""One setting takes everything back: FORCE_DEEPGRAM_TRANSCRIPTION=true, and what a resting GPU does alike."""

from typing import Any

import pytest

from core import events
from core.errors import EngineFailed, NoRoute, NoRouteNow, Retryable
from core.events import Event
from core.jobs import Manifest
from handlers import bootstrap
from tests.fakes.audio import FakeEngine
from tests.unit.handlers.wired import Wired

FORCED = {"FORCE_DEEPGRAM_TRANSCRIPTION": "true", "DEEPGRAM_API_KEY": "made-up", "PARAKEET_DEVICE": "cuda"}


def codes(event: Event | Manifest) -> list[str]:
    said = event.data if isinstance(event, Event) else event.body
    return [reason["code"] for reason in said["reasons"]]


def deepgram(place: Wired) -> FakeEngine:
    return FakeEngine("deepgram", place.clock)


@pytest.mark.parametrize(
    "more",
    [{}, {"TRANSCRIPTION_METHOD": "hybrid"}, {"ROLLOUT_PERCENT": "0"}, {"ENABLE_FALLBACK": "false"}],
)
def test_with_deepgram_forced_every_service_sends_files_there(more: dict[str, Any]) -> None:
    place = Wired({**FORCED, **more})
    with place.gpu_service() as engines:
        place.beat(engines)
        at_ingest = bootstrap.reception_in(place.world).run(place.upload())
        assert isinstance(at_ingest, Event)
        assert at_ingest.type == events.FALLBACK_REQUESTED
        assert codes(at_ingest) == ["forced"]

        gpu_service = bootstrap.transcription_in(place.world, engines.by_method, facts=engines.facts)
        handed_over = gpu_service.run(place.job())
        assert isinstance(handed_over, Event)
        assert codes(handed_over) == ["forced"]
        assert place.speeds.learnt == []

    engine = deepgram(place)
    manifest = bootstrap.fallback_in(place.world, engine).run(place.job())
    assert isinstance(manifest, Manifest)
    assert (manifest.outcome, manifest.body["engine"], engine.heard) == ("completed", "deepgram", 1)
    assert codes(manifest) == ["forced"]


def test_a_forced_deepgram_without_a_key_ends_the_file_with_that_reason() -> None:
    place = Wired({**FORCED, "DEEPGRAM_API_KEY": ""})
    manifest = bootstrap.reception_in(place.world).run(place.upload())
    assert isinstance(manifest, Manifest)
    assert manifest.body["code"] == "no_route"
    assert "no Deepgram key is set; Deepgram is forced" in manifest.body["message"]
    with pytest.raises(NoRoute):
        raise NoRoute("x", manifest.body["message"])


def resting(place: Wired, engines: Any) -> None:
    for number in range(3):
        call = engines.breaker.admit()
        assert call is not None
        engines.breaker.failed(call, str(number), "engine_failed")


def test_a_gpu_that_rests_hands_files_over_without_counting_a_failure_of_theirs() -> None:
    place = Wired({"DEEPGRAM_API_KEY": "made-up", "PARAKEET_DEVICE": "cuda"})
    with place.gpu_service() as engines:
        resting(place, engines)
        job = place.job()
        handed_over = bootstrap.transcription_in(place.world, engines.by_method, facts=engines.facts).run(job)
        place.beat(engines)
        at_ingest = bootstrap.reception_in(place.world).run(place.upload())
    assert isinstance(handed_over, Event)
    assert codes(handed_over)[0] == "gpu_breaker_open"
    assert isinstance(at_ingest, Event)
    assert (at_ingest.type, codes(at_ingest)[0]) == (events.FALLBACK_REQUESTED, "gpu_breaker_open")
    with place.world.ledger.hold(job, "parakeet") as claim:
        assert claim.engine_failures == {}


@pytest.mark.parametrize(
    "settings",
    [
        {"ALLOW_DEEPGRAM": "false"},
        {"TRANSCRIPTION_METHOD": "parakeet"},
        {"ENABLE_FALLBACK": "false"},
        {"DEEPGRAM_API_KEY": ""},
    ],
)
def test_where_files_may_not_leave_they_wait_for_the_gpu_to_be_well(settings: dict[str, str]) -> None:
    place = Wired({"DEEPGRAM_API_KEY": "made-up", "PARAKEET_DEVICE": "cuda", **settings})
    with place.gpu_service() as engines:
        resting(place, engines)
        place.beat(engines)
        with pytest.raises(NoRouteNow, match="it failed at several files and rests"):
            bootstrap.transcription_in(place.world, engines.by_method, facts=engines.facts).run(place.job())
        requested = bootstrap.reception_in(place.world).run(place.upload())
    assert isinstance(requested, Event)
    assert requested.type == events.REQUESTED


def test_a_deepgram_that_keeps_failing_makes_files_wait_instead_of_failing_them_one_by_one() -> None:
    place = Wired({"DEEPGRAM_API_KEY": "made-up"})
    engine = deepgram(place)
    engine.failures = [Retryable("busy", code="quota_exceeded")] * 9
    from core.guarded import Guarded, blames_deepgram

    guarded = Guarded(engine, place.breakers.of("deepgram"), blames_deepgram)
    use_case = bootstrap.fallback_in(place.world, guarded)
    for number in range(5):
        with pytest.raises(Retryable) as raised:
            use_case.run(place.job(f"{number}/audio_{number}.mp3"))
        assert raised.value.code == ("quota_exceeded" if number < 3 else "engine_unavailable")
    assert engine.heard == 3
    assert place.publisher.on("transcription-completed") == []


def test_a_refused_key_fails_few_files_and_then_the_others_wait() -> None:
    place = Wired({"DEEPGRAM_API_KEY": "made-up"})
    engine = deepgram(place)
    refused = EngineFailed("check DEEPGRAM_API_KEY", code="engine_unauthorized", deterministic=True)
    engine.failures = [refused] * 9
    from core.guarded import Guarded, blames_deepgram

    guarded = Guarded(engine, place.breakers.of("deepgram"), blames_deepgram)
    use_case = bootstrap.fallback_in(place.world, guarded)
    for number in range(3):
        manifest = use_case.run(place.job(f"{number}/audio_{number}.mp3"))
        assert isinstance(manifest, Manifest)
        assert manifest.body["code"] == "engine_unauthorized"
    with pytest.raises(Retryable, match="deepgram rests"):
        use_case.run(place.job("9/audio_9.mp3"))
