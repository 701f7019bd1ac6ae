import json
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from core import events
from core.audio import AudioObject
from core.errors import CODES, KlipscribeError, MalformedMessage, Rejected, Retryable
from core.events import Event
from core.formats import KINDS
from core.jobs import Claim, Job, Manifest, PlacedFile
from core.routing import Reason
from tests.fakes.world import COMPLETED, TOPICS, World, world

AUDIO = AudioObject("bucket", "7/audio_7.mp3", 1735689600123456789, 100, "audio/mpeg", {"language": "en"})
JOB = Job(AUDIO)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLAIM = Claim(JOB, "me", fence=4, attempt=3)
REASONS = (Reason("gpu_unavailable", "there is no GPU"),)


def schema_of(kind: str) -> dict[str, Any]:
    name = kind.removeprefix(f"{events.TYPE_PREFIX}.")
    schema: dict[str, Any] = json.loads((files("core") / "schemas" / f"{name}.json").read_text())
    return schema


def check(kind: str, data: Mapping[str, Any]) -> None:
    """The body as a subscriber gets it: after a journey through JSON."""
    validator = Draft202012Validator(schema_of(kind))
    validator.validate(json.loads(json.dumps(data)))


def manifest(outcome: str) -> Manifest:
    placed = tuple(PlacedFile(kind, "staged", "out", f"7/{kind}", "text/plain") for kind in KINDS)
    money = {"cost_usd": 0.1, "job_cost_usd": 0.1, "deepgram_usd": 0, "savings_usd": -0.1, "is_dear": False}
    why = {"code": "too_long", "message": "m", "retryable": False, "attempts": 1, "engine_failures": {}}
    failed = {**why, **money, "parts": []}
    done = {
        "engine": "parakeet",
        "model": "m",
        "method": "parakeet",
        "reasons": [{"code": "gpu_unavailable", "sentence": "there is no GPU"}],
        "language": "en",
        "attempts": 1,
        "words_count": 0,
        "gaps_count": 1,
        "gaps_s": 3.5,
        "audio_s": 60.0,
        "processing_s": 2.0,
        "rtfx": 30.0,
        "cost_usd": 0.1,
        "deepgram_usd": 0.2,
        "job_cost_usd": 0.15,
        "savings_usd": 0.05,
        "is_dear": False,
        "parts": [],
        "timings_s": {"engine": 2.0},
    }
    if outcome == "completed":
        return Manifest(JOB, "completed", 4, NOW.isoformat(), done, placed)
    return Manifest(JOB, "failed", 4, NOW.isoformat(), failed)


EVERY: dict[str, Event] = {
    event.type: event
    for event in (
        events.requested(JOB, NOW),
        events.fallback_requested(JOB, NOW, REASONS),
        events.started(CLAIM, NOW, "parakeet"),
        events.progress(CLAIM, NOW, "fallback"),
        events.terminal(manifest("completed"), superseded=False),
        events.terminal(manifest("failed"), superseded=True),
    )
}


def test_there_is_one_schema_for_each_type_and_none_more() -> None:
    names = {
        f"{events.TYPE_PREFIX}.{path.name.removesuffix('.json')}"
        for path in (files("core") / "schemas").iterdir()
    }
    assert names == set(events.TYPES) == set(EVERY)


@pytest.mark.parametrize("kind", events.TYPES)
def test_each_schema_is_itself_in_order(kind: str) -> None:
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:{kind}"
    assert set(schema["required"]) <= set(schema["properties"])


@pytest.mark.parametrize("kind", events.TYPES)
def test_each_event_is_what_its_schema_says(kind: str) -> None:
    check(kind, EVERY[kind].data)


@pytest.mark.parametrize("kind", events.TYPES)
def test_each_schema_describes_every_field_that_we_send(kind: str) -> None:
    assert set(EVERY[kind].data) <= set(schema_of(kind)["properties"])


@pytest.mark.parametrize("kind", events.TYPES)
def test_only_these_fields_may_be_missing(kind: str) -> None:
    optional = set(EVERY[kind].data) - set(schema_of(kind)["required"])
    money = {"job_cost_usd", "savings_usd", "is_dear", "parts"}
    known = {
        events.COMPLETED: {"language", "gaps_count", "gaps_s", *money},
        events.FAILED: {"engine_failures", "cost_usd", "deepgram_usd", *money},
    }
    assert optional == known.get(kind, set())


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field) for kind in events.TYPES for field in schema_of(kind)["required"]]
)
def test_each_schema_refuses_a_body_that_lacks_another_field(kind: str, field: str) -> None:
    body = {key: value for key, value in EVERY[kind].data.items() if key != field}
    with pytest.raises(ValidationError, match=f"'{field}' is a required property"):
        check(kind, body)


@pytest.mark.parametrize("kind", events.TYPES)
def test_each_schema_takes_fields_that_a_later_version_adds(kind: str) -> None:
    check(kind, {**EVERY[kind].data, "added_later": 1})


@pytest.mark.parametrize("value", [1735689600123456789, "", "-1", "1e5"])
def test_a_generation_that_is_no_string_of_digits_is_refused(value: object) -> None:
    for kind in events.TYPES:
        with pytest.raises(ValidationError):
            check(kind, {**EVERY[kind].data, "generation": value})


def test_the_codes_of_a_failure_are_the_codes_of_our_errors() -> None:
    assert tuple(schema_of(events.FAILED)["properties"]["code"]["enum"]) == CODES


def test_the_files_of_a_success_are_the_kinds_that_we_write() -> None:
    assert set(schema_of(events.COMPLETED)["properties"]["files"]["required"]) == set(KINDS)


def stories() -> list[World]:
    plain, routed, refused, no_fallback = (
        world(),
        world(method="deepgram"),
        world(),
        world(may_fall_back=False),
    )
    ingest = world(shortcut=REASONS)
    for place in (plain, routed, refused, no_fallback, ingest):
        place.reader.failures = [Rejected("no", code="corrupt")] if place is refused else []
        job = place.job()
        place.reception().run(job.audio)
        place.transcription().run(job)
        place.fallback().run(job)
    return [plain, routed, refused, no_fallback, ingest]


def test_everything_that_the_use_cases_publish_is_what_the_schemas_say() -> None:
    published = [pair for place in stories() for pair in place.broker.published]
    for _, event in published:
        check(event.type, event.data)
    assert {event.type for _, event in published} == set(events.TYPES)
    topics = {TOPICS.requested, TOPICS.fallback, TOPICS.progress, COMPLETED}
    assert {topic for topic, _ in published} == topics


def test_a_terminal_event_has_the_same_id_however_often_it_is_built() -> None:
    again = events.terminal(Manifest.from_json(manifest("completed").to_json()), superseded=True)
    assert again.id == EVERY[events.COMPLETED].id == f"{JOB.id}/1/completed"
    assert again.time == NOW
    assert EVERY[events.FAILED].id == f"{JOB.id}/1/failed"


def test_another_run_has_other_ids() -> None:
    first, second = events.requested(JOB, NOW), events.requested(Job(AUDIO, 2), NOW)
    assert (first.id, second.id) == (f"{JOB.id}/1/requested", f"{JOB.id}/2/requested")


def test_the_other_events_of_two_attempts_have_two_ids() -> None:
    later = Claim(JOB, "me", fence=5, attempt=4)
    assert events.started(CLAIM, NOW, "parakeet").id == f"{JOB.id}/1/started/4"
    assert events.started(later, NOW, "parakeet").id == f"{JOB.id}/1/started/5"
    assert events.progress(CLAIM, NOW, "fallback").id == f"{JOB.id}/1/progress/4/fallback"


def test_attributes_let_a_subscription_filter_by_outcome_video_and_code() -> None:
    known = {"job_id": JOB.id, "generation": "1735689600123456789", "video_id": "7"}
    assert EVERY[events.REQUESTED].attributes == known
    assert EVERY[events.COMPLETED].attributes == {**known, "outcome": "completed", "superseded": "false"}
    failed = {**known, "outcome": "failed", "superseded": "true", "code": "too_long"}
    assert EVERY[events.FAILED].attributes == failed


@pytest.mark.parametrize("kind", [events.REQUESTED, events.FALLBACK_REQUESTED])
def test_a_request_gives_the_job_that_it_was_made_of(kind: str) -> None:
    assert events.job_of(json.loads(json.dumps(EVERY[kind].data))) == JOB


def broken(**changes: Any) -> dict[str, Any]:
    return {**EVERY[events.REQUESTED].data, **changes}


AUDIO_DATA = EVERY[events.REQUESTED].data["audio"]


@pytest.mark.parametrize(
    "data",
    [
        {},
        broken(audio=None),
        broken(audio=[]),
        broken(audio={}),
        broken(run="one"),
        broken(run=None),
        broken(run=float("inf")),
        broken(run=0),
        broken(run=-1),
        broken(audio={**AUDIO_DATA, "generation": "x"}),
        broken(audio={**AUDIO_DATA, "size_bytes": float("inf")}),
        broken(audio={**AUDIO_DATA, "metadata": "text"}),
        broken(audio={**AUDIO_DATA, "name": "\ud800.mp3"}),
        broken(job_id="0" * 64),
        broken(audio={**AUDIO_DATA, "generation": "1735689600123456790"}),
    ],
)
def test_a_request_that_cannot_be_read_is_malformed(data: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage, match=r"the request (lacks|says)") as caught:
        events.job_of(data)
    assert caught.value.code == "malformed_message"


def test_errors_carry_a_code_and_say_whether_to_try_again() -> None:
    assert not KlipscribeError.retryable
    assert Retryable("m").retryable
    assert {Retryable("m").code, Rejected("m", code="corrupt").code} <= set(CODES)
