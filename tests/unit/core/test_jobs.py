import json
from dataclasses import replace

import pytest

from core.audio import AudioObject
from core.errors import EngineFailed
from core.jobs import Claim, Job, Manifest, PlacedFile, audio_from_json, audio_to_json

AUDIO = AudioObject("bucket", "7/audio_7.mp3", 1735689600123456789, 100, "audio/mpeg", {"language": "en"})
JOB = Job(AUDIO)


def claim() -> Claim:
    return Claim(JOB, "me", fence=1, attempt=1)


def test_a_job_has_the_id_and_the_video_of_its_audio() -> None:
    assert (JOB.id, JOB.video_id) == (AUDIO.job_id, "7")


def test_a_replay_is_the_same_job_in_another_run() -> None:
    assert replace(JOB, run=2).id == JOB.id


def test_a_name_that_contradicts_itself_belongs_to_no_video() -> None:
    assert Job(replace(AUDIO, name="7/audio_8.mp3")).video_id == ""


def test_two_failures_by_chance_exhaust_an_engine() -> None:
    held = claim()
    assert not held.count_failure("parakeet", EngineFailed("a"))
    assert not held.exhausted("parakeet")
    assert held.count_failure("parakeet", EngineFailed("b"))
    assert held.exhausted("parakeet")


def test_one_failure_that_would_repeat_itself_exhausts_an_engine() -> None:
    held = claim()
    assert held.count_failure("parakeet", EngineFailed("a", deterministic=True))


def test_the_failures_of_one_engine_are_not_held_against_another() -> None:
    held = claim()
    held.count_failure("parakeet", EngineFailed("a", deterministic=True))
    assert not held.exhausted("deepgram")
    assert not held.count_failure("deepgram", EngineFailed("b"))


def test_a_manifest_comes_back_from_json_as_it_was() -> None:
    placed = PlacedFile("words", "runs/x/1/1/words", "transcripts", "7/audio_7_words.csv", "text/csv")
    manifest = Manifest(Job(AUDIO, 3), "completed", 2, "2026-01-01T00:00:00+00:00", {"rtfx": 1.5}, (placed,))
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest
    assert placed.uri == "gs://transcripts/7/audio_7_words.csv"


def test_an_audio_object_comes_back_from_json_as_it_was() -> None:
    assert audio_from_json(json.loads(json.dumps(audio_to_json(AUDIO)))) == AUDIO


def test_a_generation_crosses_json_as_a_string_since_no_double_holds_it() -> None:
    assert audio_to_json(AUDIO)["generation"] == "1735689600123456789"


def test_content_type_and_metadata_may_be_missing() -> None:
    values = {"bucket": "b", "name": "n", "generation": "1", "size_bytes": 1, "metadata": None}
    assert audio_from_json(values) == AudioObject("b", "n", 1, 1)


@pytest.mark.parametrize("field", ["bucket", "name", "generation", "size_bytes"])
def test_the_other_fields_may_not(field: str) -> None:
    values = audio_to_json(AUDIO)
    del values[field]
    with pytest.raises(KeyError, match=field):
        audio_from_json(values)
