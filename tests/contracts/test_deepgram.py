"""The engine and the real SDK against the stand-in: each answer, each failure, and how often was asked."""

import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.billing import Bill
from core.errors import EngineFailed, Retryable
from core.ports import Engine, ObjectNotFound
from infra.deepgram import URL_EXPIRES_S
from tests.contracts.deepgram_rig import AUDIO, INFO, WORDS, OneObject, Rig, source, stand_in, wav

pytestmark = pytest.mark.local_cloud

TRIES = 4
PASSING: list[tuple[dict[str, Any], str]] = [
    ({"status": 408}, "network_unavailable"),
    ({"status": 429}, "quota_exceeded"),
    ({"status": 500}, "network_unavailable"),
    ({"status": 502, "body": "<html>bad gateway</html>"}, "network_unavailable"),
    ({"status": 503}, "network_unavailable"),
    ({"status": 504}, "network_unavailable"),
    ({"mode": "reset"}, "network_unavailable"),
    ({"mode": "stall", "seconds": 5}, "network_unavailable"),
]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with stand_in() as running:
        yield running


def test_bytes_are_streamed_where_no_url_can_be_signed(rig: Rig) -> None:
    transcript = rig.engine().transcribe(source(OneObject()), INFO, Bill())

    assert [(word.text, word.start_s, word.end_s) for word in transcript.words] == WORDS
    assert (transcript.engine, transcript.model, transcript.language) == ("deepgram", "nova-3", "en")
    assert transcript.duration_s == pytest.approx(4.0)
    assert [(call["by"], call["size_bytes"]) for call in rig.calls()] == [("bytes", len(AUDIO))]


def test_a_signed_url_is_preferred_and_outlives_the_request(rig: Rig) -> None:
    store = OneObject(url=f"{rig.url}/bucket/audio.wav?signature=secret")

    assert rig.engine().transcribe(source(store), INFO, Bill()).text == "Hello there, world."
    assert [call["by"] for call in rig.calls()] == ["url"]
    assert (store.opened, store.signed_for_s) == ([], [URL_EXPIRES_S])


def test_the_request_asks_for_every_word_with_punctuation_and_paragraphs(rig: Rig) -> None:
    rig.engine(model="nova-2").transcribe(source(OneObject()), INFO, Bill())

    asked = dict.fromkeys(["smart_format", "punctuate", "paragraphs", "utterances", "filler_words"], "true")
    assert rig.calls()[0]["query"] == {"model": "nova-2", "language": "en", **asked}


def test_the_language_in_the_metadata_of_the_object_is_asked_for(rig: Rig) -> None:
    transcript = rig.engine().transcribe(source(OneObject(), language="de"), INFO, Bill())

    assert (transcript.language, rig.calls()[0]["query"]["language"]) == ("de", "de")


def test_unknown_audio_gets_words_that_lie_inside_of_it(rig: Rig) -> None:
    transcript = rig.engine().transcribe(source(OneObject(wav(2.0))), replace(INFO, duration_s=2.0), Bill())

    assert transcript.text == "deepgram stand in"
    assert 0 < transcript.words[0].start_s < transcript.words[-1].end_s < 2.0


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 415, 422])
def test_a_refusal_is_final_and_asked_for_once(rig: Rig, status: int) -> None:
    rig.fail(times=TRIES, status=status)

    with pytest.raises(EngineFailed, match=str(status)) as failed:
        rig.engine().transcribe(source(OneObject()), INFO, Bill())
    assert failed.value.deterministic
    assert failed.value.code == ("engine_unauthorized" if status in {401, 402, 403} else "engine_refused")
    assert (len(rig.calls()), rig.clock.slept) == (1, [])


@pytest.mark.parametrize(
    ("fault", "code"), PASSING, ids=[str(fault.get("mode", fault.get("status"))) for fault, _ in PASSING]
)
def test_what_usually_passes_is_tried_a_few_times_and_then_left_to_the_queue(
    rig: Rig, fault: dict[str, Any], code: str
) -> None:
    stalls = fault.get("mode") == "stall"
    rig.fail(times=TRIES + 1, **fault)
    engine: Engine = rig.engine(timeout_s=0.2 if stalls else 60.0)

    with pytest.raises(Retryable) as failed:
        engine.transcribe(source(OneObject()), INFO, Bill())
    assert failed.value.code == code
    assert len(rig.clock.slept) == TRIES - 1
    assert stalls or len(rig.calls()) == TRIES  # a stalled call is noted when it ends


@pytest.mark.parametrize(
    ("fault", "code"), PASSING, ids=[str(fault.get("mode", fault.get("status"))) for fault, _ in PASSING]
)
def test_a_failure_that_passes_is_not_seen_and_every_try_sends_all_bytes(
    rig: Rig, fault: dict[str, Any], code: str
) -> None:
    stalls = fault.get("mode") == "stall"
    times = 1 if stalls else TRIES - 1
    rig.fail(times=times, **fault)
    store = OneObject()

    engine = rig.engine(timeout_s=2.0 if stalls else 60.0)
    assert engine.transcribe(source(store), INFO, Bill()).text == "Hello there, world."
    assert (len(store.opened), len(rig.clock.slept)) == (times + 1, times)
    assert all(stream.closed for stream in store.opened)
    assert {call["size_bytes"] for call in rig.calls()} == {len(AUDIO)}


@pytest.mark.parametrize(
    "mode",
    ["empty", "html", "wrong_duration", "wrong_sha256", "words_without_times", "words_backwards"],
)
def test_an_answer_that_is_not_to_be_trusted_fails_the_engine(rig: Rig, mode: str) -> None:
    rig.fail(mode=mode)

    with pytest.raises(EngineFailed) as failed:
        rig.engine().transcribe(source(OneObject()), INFO, Bill())
    assert (failed.value.code, len(rig.calls())) == ("engine_bad_result", 1)


def test_what_is_no_audio_is_refused(rig: Rig) -> None:
    with pytest.raises(EngineFailed, match="Bad Request") as failed:
        rig.engine().transcribe(source(OneObject(b"these are no samples" * 99)), INFO, Bill())
    assert failed.value.code == "engine_refused"


def test_a_wrong_key_names_the_setting_and_never_the_key(rig: Rig) -> None:
    engine = rig.engine(api_key="another-made-up-key")

    with pytest.raises(EngineFailed, match="DEEPGRAM_API_KEY") as failed:
        engine.transcribe(source(OneObject()), INFO, Bill())
    assert "another-made-up-key" not in _printed(failed.value) + repr(engine)


def test_a_url_that_deepgram_cannot_read_gives_way_to_the_bytes(rig: Rig) -> None:
    store = OneObject(url=f"{rig.url}/bucket/nothing-here.wav")

    assert rig.engine().transcribe(source(store), INFO, Bill()).text == "Hello there, world."
    assert [(call["by"], call["status"]) for call in rig.calls()] == [("url", 400), ("bytes", 200)]


def test_no_signed_url_is_printed_with_a_failure(rig: Rig) -> None:
    url = f"{rig.url}/bucket/audio.wav?signature=secret"
    rig.fail(status=400, body={"err_code": f"no {url}", "err_msg": f"can't read {url}", "request_id": "r-1"})

    with pytest.raises(EngineFailed, match="r-1") as failed:
        rig.engine().transcribe(source(OneObject(url=url)), INFO, Bill())
    assert "secret" not in _printed(failed.value)


@pytest.mark.parametrize(
    ("header", "slept_s"),
    [("17", 17.0), ("3600", 30.0), ("Thu, 01 Jan 2026 00:00:09 GMT", 9.0)],
    ids=["seconds", "more than the cap", "date"],
)
def test_a_retry_after_is_honoured_up_to_a_cap(rig: Rig, header: str, slept_s: float) -> None:
    rig.fail(status=429, headers={"Retry-After": header})

    rig.engine().transcribe(source(OneObject()), INFO, Bill())
    assert rig.clock.slept == [slept_s]


def test_no_try_begins_that_could_outlive_the_budget(rig: Rig) -> None:
    rig.fail(times=TRIES, status=503, headers={"Retry-After": "20"})

    with pytest.raises(Retryable):
        rig.engine(timeout_s=400.0, budget_s=430.0).transcribe(source(OneObject()), INFO, Bill())
    assert (len(rig.calls()), rig.clock.slept) == (2, [20.0])


def test_a_server_that_is_not_there_is_a_network_failure(rig: Rig) -> None:
    with stand_in() as gone:
        engine = rig.engine(base_url=gone.url)

    with pytest.raises(Retryable, match="ConnectError") as failed:
        engine.transcribe(source(OneObject()), INFO, Bill())
    assert (failed.value.code, len(rig.clock.slept)) == ("network_unavailable", TRIES - 1)


@pytest.mark.parametrize("base_url", ["deepgram.example", "ftp://127.0.0.1", "http://[::1"])
def test_a_base_url_that_is_none_is_not_worth_another_try(rig: Rig, base_url: str) -> None:
    with pytest.raises(EngineFailed, match="was not sent") as failed:
        rig.engine(base_url=base_url).transcribe(source(OneObject()), INFO, Bill())
    assert (failed.value.code, rig.clock.slept) == ("engine_refused", [])


def test_a_redirect_is_not_followed_with_the_key(rig: Rig) -> None:
    rig.fail(status=307, headers={"Location": "/v1/listen"}, body="")

    with pytest.raises(EngineFailed, match="307"):
        rig.engine().transcribe(source(OneObject()), INFO, Bill())
    assert len(rig.calls()) == 1


@pytest.mark.parametrize("where", ["on_open", "on_read"])
@pytest.mark.parametrize(
    "error", [ObjectNotFound("gone"), Retryable("bucket is slow", code="storage_unavailable")], ids=type
)
def test_a_failure_of_the_store_comes_out_as_itself(rig: Rig, where: str, error: Exception) -> None:
    store = OneObject()
    setattr(store, where, error)

    with pytest.raises(type(error)) as failed:
        rig.engine().transcribe(source(store), INFO, Bill())
    assert failed.value is error
    assert rig.clock.slept == []


@pytest.mark.parametrize("key", ["", "  ", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry_stops_at_the_start(rig: Rig, key: str) -> None:
    with pytest.raises(ValueError, match="DEEPGRAM_API_KEY"):
        rig.engine(api_key=key)


@pytest.mark.parametrize("timeout_s", [0.0, 401.0])
def test_a_timeout_beyond_the_request_stops_at_the_start(rig: Rig, timeout_s: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        rig.engine(timeout_s=timeout_s)


def _printed(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
