"""What bad input gets, through the real chain: the right outcome, a telling message, nobody else delayed."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest

from core.audio import AudioObject
from infra.local.samples import samples
from tests.e2e.chain import Chain, running_chain
from tests.fakes.recordings import Recipe, chirp, encoded, silent_film
from tests.waiting import wait_until

pytestmark = [pytest.mark.local_cloud, pytest.mark.asr]

GOOD = next(sample for sample in samples() if sample.path.name == "greeting.flac")

WAV = Recipe("wav", "pcm_s16le", 16_000)
FLOAT_WAV = Recipe("wav", "pcm_f32le", 16_000)
MP3 = Recipe("mp3", "libmp3lame", 16_000, bit_rate=32_000)
BARE = (("write_xing", "0"), ("id3v2_version", "0"))
BARE_MP3 = Recipe("mp3", "libmp3lame", 8_000, bit_rate=8_000, options=BARE)


def _half_of(recipe: Recipe) -> bytes:
    whole = encoded(chirp(10, 16_000), recipe)
    return whole[: len(whole) // 2]


def _not_a_number() -> bytes:
    sound = chirp(2, 16_000)
    sound[8_000:8_010] = np.nan
    return encoded(sound, FLOAT_WAV)


def _thirteen_hours() -> bytes:
    """A minute of MP3 frames, 780 times over."""
    return encoded(np.zeros(60 * 8_000), BARE_MP3) * (13 * 60)


BAD: list[tuple[str, Callable[[], bytes], str, str]] = [
    ("8001/audio_8001.mp3", lambda: b"", "empty", "size is 0 bytes, expected at least 1 byte"),
    ("8002/audio_8002.mp3", lambda: b"Dear diary, " * 500, "not_audio", "expected"),
    ("8003/audio_8003.wav", lambda: _half_of(WAV), "truncated", "10.0"),
    ("8012/audio_8012.mp3", lambda: _half_of(MP3), "truncated", "10.0"),
    ("8004/audio_8004.webm", lambda: silent_film(3), "no_audio_stream", "video"),
    ("8005/audio_8006.mp3", GOOD.path.read_bytes, "id_mismatch", "8005, the file says 8006"),
    (
        "8007/audio_8007.wav",
        lambda: encoded(chirp(0.3, 16_000), WAV),
        "too_short",
        "0.300 s, expected at least 1 s",
    ),
    ("8008/audio_8008.mp3", _thirteen_hours, "too_long", "expected at most 43200 s"),
    ("8009/audio_8009.wav", _not_a_number, "not_finite", "expected"),
]


def test_bad_files_fail_by_name_and_the_good_one_behind_them_does_not_wait(chain: Chain) -> None:
    bad = [chain.drop_as(name, data()) for name, data, _, _ in BAD]
    ignored = chain.drop_as("8010/notes.xyz", b"no audio by its name")
    good = chain.drop(GOOD.path, video_id="8011")
    assert chain.text(chain.outcome(good)) == GOOD.text
    for audio, (name, _, code, said) in zip(bad, BAD, strict=True):
        event = chain.outcome(audio)
        assert (event["outcome"], event["code"]) == ("failed", code), name
        assert said in event["message"]
        assert event["audio_uri"] in event["message"]
        assert event["attempts"] == 1
    assert not chain.state(f"jobs/{ignored.job_id}")


def test_a_failed_video_is_failed_in_its_record_and_a_new_upload_lifts_it(chain: Chain) -> None:
    chain.outcome(chain.drop_as("8101/audio_8101.mp3", b""))
    wait_until(lambda: True if (chain.video("8101") or {}).get("status") == "Failed" else None)
    chain.outcome(chain.drop_as("8101/audio_8101.mp3", GOOD.path.read_bytes()))
    wait_until(lambda: True if (chain.video("8101") or {}).get("status") == "Transcribing" else None)


def test_ids_that_disagree_touch_no_record(chain: Chain) -> None:
    chain.outcome(chain.drop_as("8201/audio_8202.mp3", GOOD.path.read_bytes()))
    assert chain.video("8201") is None
    assert chain.video("8202") is None


def test_silence_is_a_valid_and_empty_transcript(chain: Chain) -> None:
    event = chain.outcome(chain.drop_as("8301/audio_8301.wav", encoded(np.zeros(4 * 16_000), WAV)))
    assert (event["outcome"], event["words_count"]) == ("completed", 0)
    outputs = chain.outputs(event)
    assert outputs["words"] == b"start_time,end_time,word\r\n"
    assert json.loads(outputs["transcript"])["text"] == ""


def test_an_object_deleted_before_it_is_read_says_so(chain: Chain) -> None:
    gone = AudioObject(chain.settings.audio_bucket, "8401/audio_8401.mp3", 1234567890, 4000)
    chain.notify(gone)
    event = chain.outcome(gone)
    assert event["code"] == "source_deleted"
    assert "generation 1234567890 was deleted before it was read" in event["message"]


def test_an_object_replaced_before_it_is_read_is_superseded_not_failed(chain: Chain) -> None:
    newer = chain.drop_as("8501/audio_8501.flac", GOOD.path.read_bytes())
    older = AudioObject(newer.bucket, newer.name, newer.generation - 1, newer.size_bytes)
    chain.outcome(newer)
    chain.notify(older)
    event = chain.outcome(older)
    assert (event["code"], event["superseded"]) == ("superseded", True)
    assert str(newer.generation) in event["message"]
    assert (chain.video("8501") or {}).get("status") != "Failed"


def _push(**message: object) -> bytes:
    return json.dumps({"message": message}).encode()


FINALIZED = {"eventType": "OBJECT_FINALIZE"}
MALFORMED = {
    "no body": b"",
    "no message": b"{}",
    "no data": _push(attributes=FINALIZED),
    "bad base64": _push(data="@@@", attributes=FINALIZED),
    "bad JSON": _push(data="e30oKQ==", attributes=FINALIZED),
    "unknown type": _push(data="e30=", attributes={"ce-type": "com.example.other.v1"}),
}


@pytest.mark.parametrize("function", ["ingest", "transcribe", "fallback", "notify"])
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_push_is_recorded_and_acknowledged(chain: Chain, function: str, body: bytes) -> None:
    before = set(chain.state("dead-letters/malformed/"))
    answer = httpx.post(chain.cloud.functions[function], content=body, trust_env=False)
    assert answer.status_code == 204
    (recorded,) = set(chain.state("dead-letters/malformed/")) - before
    record = json.loads(chain.store.read(chain.settings.state_bucket, recorded))
    assert "expected" in record["reason"]
    assert record["body"].encode() == body


def test_every_function_answers_health(chain: Chain) -> None:
    for name, url in chain.cloud.functions.items():
        answer = httpx.get(url, trust_env=False)
        assert (answer.status_code, answer.json()["service"]) == (200, name)


def test_a_model_that_does_not_load_sends_the_file_to_deepgram(tmp_path: Path) -> None:
    with running_chain(tmp_path, PARAKEET_MODEL_NAME=str(tmp_path / "missing.nemo")) as chain:
        event = chain.outcome(chain.drop(GOOD.path, video_id="8601"))
        assert (event["outcome"], event["engine"]) == ("completed", "deepgram")
        assert chain.text(event) == GOOD.text


def test_a_model_that_does_not_load_fails_the_file_where_audio_may_not_leave(tmp_path: Path) -> None:
    changes = {"PARAKEET_MODEL_NAME": str(tmp_path / "missing.nemo"), "ALLOW_DEEPGRAM": "false"}
    with running_chain(tmp_path, **changes) as chain:
        event = chain.outcome(chain.drop(GOOD.path, video_id="8701"))
        assert (event["outcome"], event["code"]) == ("failed", "engine_model_unavailable")
        assert "missing.nemo" in event["message"]
