import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.audio import AudioInfo
from core.errors import EngineFailed
from core.transcript import Transcript
from infra.deepgram_answer import transcript_of

EVENTS = Path(__file__).parents[2] / "events" / "deepgram"
SENTENCE: dict[str, Any] = json.loads((EVENTS / "sentence.json").read_text(encoding="utf-8"))
READING = ("results", "channels", 0, "alternatives", 0)


def info(duration_s: float) -> AudioInfo:
    return AudioInfo(duration_s, sample_rate_hz=8_000, channels=1, codec="mp3")


def read(answer: Any, duration_s: float = 6.2, sent_sha256: str | None = None) -> Transcript:
    raw = json.dumps(answer).encode()
    return transcript_of(raw, info(duration_s), model="nova-3", language="en", sent_sha256=sent_sha256)


def spoiled(value: Any, *path: str | int) -> dict[str, Any]:
    """The sentence with one value replaced, or taken away where the value is `...`."""
    answer = deepcopy(SENTENCE)
    node: Any = answer
    for step in path[:-1]:
        node = node[step]
    if value is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return answer


def test_words_carry_their_punctuation_their_times_and_their_confidence() -> None:
    transcript = read(SENTENCE)

    assert transcript.text == "Good evening, everyone. The stream starts at 8:30 tonight."
    evening = transcript.words[1]
    assert (evening.bare, evening.start_s, evening.end_s) == ("evening", 0.64, 1.1999999)
    assert evening.confidence == 0.99902344
    assert (transcript.engine, transcript.model, transcript.language) == ("deepgram", "nova-3", "en")


def test_the_duration_is_the_one_that_was_heard_not_the_header_s() -> None:
    assert read(SENTENCE, duration_s=6.9).duration_s == 6.2


def test_an_estimate_of_the_duration_proves_nothing_against_the_answer() -> None:
    rough = replace(info(99.0), is_estimate=True)
    raw = json.dumps(SENTENCE).encode()
    assert transcript_of(raw, rough, model="nova-3", language="en").duration_s == 6.2
    nothing = json.dumps(spoiled(0.0, "metadata", "duration")).encode()
    with pytest.raises(EngineFailed, match=r"metadata\.duration is 0"):
        transcript_of(nothing, rough, model="nova-3", language="en")


def test_an_empty_list_of_words_is_silence() -> None:
    silence = json.loads((EVENTS / "silence.json").read_text(encoding="utf-8"))

    assert read(silence, duration_s=4.0).words == ()


def test_times_that_rounding_moved_are_put_in_order_and_no_word_is_lost_or_swapped() -> None:
    rounding = json.loads((EVENTS / "rounding.json").read_text(encoding="utf-8"))

    transcript = read(rounding, duration_s=2.0)

    assert transcript.text == "So we go on and on."
    assert transcript.words[-1].end_s == 2.0


def test_a_word_without_its_written_form_is_taken_as_it_was_heard() -> None:
    assert read(spoiled(..., *READING, "words", 0, "punctuated_word")).words[0].text == "good"


def test_the_hash_of_what_was_sent_must_come_back() -> None:
    sha256 = SENTENCE["metadata"]["sha256"]

    assert read(SENTENCE, sent_sha256=sha256).words
    with pytest.raises(EngineFailed, match=r"metadata\.sha256"):
        read(SENTENCE, sent_sha256="0" * 64)


@pytest.mark.parametrize(
    ("header_s", "heard_s", "fits"),
    [(10.0, 10.9, True), (10.0, 11.1, False), (1000.0, 981.0, True), (1000.0, 979.0, False)],
)
def test_the_duration_may_differ_by_a_second_or_by_two_percent(
    header_s: float, heard_s: float, fits: bool
) -> None:
    answer = spoiled(heard_s, "metadata", "duration")
    if fits:
        assert read(answer, duration_s=header_s).duration_s == heard_s
    else:
        with pytest.raises(EngineFailed, match=r"metadata\.duration"):
            read(answer, duration_s=header_s)


def each(path: tuple[str | int, ...], *values: Any) -> list[tuple[Any, tuple[str | int, ...]]]:
    return [(value, path) for value in values]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        *each((), {}, [], None, "ok", 7),
        *each(("metadata",), ..., {}, None, []),
        *each(("results",), ..., {}, None, []),
        *each(("metadata", "request_id"), ..., None, 7),
        *each(("metadata", "duration"), ..., None, "6.2", True, 10**400, 1e308),
        *each(("metadata", "sha256"), ..., None),
        *each(READING[:2], ..., None, [], {}, [None], [{}], 2 * SENTENCE["results"]["channels"]),
        *each(READING[:4], ..., None, [], [None], ["text"]),
        *each((*READING, "words"), ..., None, [], {}, [None], ["good"], [[]]),
        *each((*READING, "transcript"), ..., None, 7),
        *each((*READING, "words", 3, "word"), ..., None, 7),
        *each((*READING, "words", 3, "punctuated_word"), None, 7, "", " "),
        *each((*READING, "words", 0, "start"), False),
        *each((*READING, "words", 3, "start"), ..., None, "2.72", True, -0.1, 1.0, 9.0),
        *each((*READING, "words", 3, "end"), ..., None, [], 2.7, 7.0, float("nan")),
        *each((*READING, "words", 3, "confidence"), ..., None, -0.1, 1.1, float("inf")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_missing_or_impossible_fails_the_engine(value: Any, path: tuple[str | int, ...]) -> None:
    answer = spoiled(value, *path) if path else value

    with pytest.raises(EngineFailed) as failed:
        read(answer)
    assert failed.value.code == "engine_bad_result"


@pytest.mark.parametrize("raw", [b"", b"<html>", b"\xff\xfe", b'{"metadata":'], ids=repr)
def test_what_is_no_json_fails_the_engine(raw: bytes) -> None:
    with pytest.raises(EngineFailed, match="not JSON"):
        transcript_of(raw, info(1.0), model="nova-3", language="en")


def _reverse(words: list[Any]) -> None:
    words.reverse()


def _swap_two(words: list[Any]) -> None:
    words[4], words[5] = words[5], words[4]


def _second_half_from_zero(words: list[Any]) -> None:
    for word in words[5:]:
        word["start"] -= 3.0
        word["end"] -= 3.0


@pytest.mark.parametrize("spoil", [_reverse, _swap_two, _second_half_from_zero])
def test_words_far_out_of_order_are_refused_and_not_sorted(spoil: Callable[[list[Any]], None]) -> None:
    answer = deepcopy(SENTENCE)
    spoil(answer["results"]["channels"][0]["alternatives"][0]["words"])

    with pytest.raises(EngineFailed, match="ahead of it"):
        read(answer)


def test_a_failure_names_the_place_and_never_the_words() -> None:
    with pytest.raises(EngineFailed, match=r"words\[3\]\.start") as failed:
        read(spoiled("stream", *READING, "words", 3, "start"))
    assert "stream" not in str(failed.value)
    assert "the" not in str(failed.value).lower().split()
