"""Whoever reads the files can't tell which engine wrote them: six files, one shape, our own paragraphs."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.audio import AudioInfo
from core.formats import KINDS, render
from core.transcript import Transcript, Word
from core.transcript_json import Origin
from infra.deepgram_answer import transcript_of

SENTENCE = Path(__file__).parents[2] / "events" / "deepgram" / "sentence.json"
ORIGIN = Origin("job", "7", "gs://audio/7/audio_7.mp3", 1, datetime(2026, 1, 1, tzinfo=UTC))


def answer(words: list[Word], duration_s: float) -> bytes:
    """Deepgram's answer, whose own paragraphs are all wrong for us: each word is one."""
    said = [
        {
            "word": word.bare,
            "punctuated_word": word.text,
            "start": word.start_s,
            "end": word.end_s,
            "confidence": word.confidence,
        }
        for word in words
    ]
    paragraphs = [
        {"sentences": [], "num_words": 1, "start": word.start_s, "end": word.end_s} for word in words
    ]
    reading = {
        "transcript": " ".join(word.text for word in words),
        "words": said,
        "paragraphs": {"paragraphs": paragraphs},
    }
    metadata = {"request_id": "r", "sha256": "0" * 64, "duration": duration_s}
    return json.dumps({"metadata": metadata, "results": {"channels": [{"alternatives": [reading]}]}}).encode()


def speech() -> list[Word]:
    """Three minutes in sentences of eight words, with a long pause after every fourth of them."""
    words, at_s = [], 0.0
    for index in range(360):
        ends = index % 8 == 7
        words.append(Word(f"Word{index}." if ends else f"word{index}", at_s, at_s + 0.375, 0.5))
        at_s += 2.375 if index % 32 == 31 else 0.5
    return words


def by_deepgram(words: list[Word], duration_s: float) -> Transcript:
    info = AudioInfo(duration_s, 8_000, 1, "mp3")
    return transcript_of(answer(words, duration_s), info, model="nova-3", language="en")


def files(transcript: Transcript) -> dict[str, str]:
    return {kind: file.data.decode() for kind, file in render(transcript, ORIGIN).items()}


def without_engine(text: str) -> Any:
    body = json.loads(text)
    del body["metadata"]["engine"], body["metadata"]["model"]
    return body


def test_the_six_files_of_both_engines_are_the_same_but_for_the_engine_s_name() -> None:
    words = speech()
    duration_s = words[-1].end_s + 1
    ours = files(Transcript(tuple(words), duration_s, "parakeet", "parakeet-tdt"))
    theirs = files(by_deepgram(words, duration_s))

    assert set(ours) == set(theirs) == set(KINDS)
    assert {kind: ours[kind] for kind in KINDS if kind != "transcript"} == {
        kind: theirs[kind] for kind in KINDS if kind != "transcript"
    }
    assert without_engine(ours["transcript"]) == without_engine(theirs["transcript"])
    assert json.loads(theirs["transcript"])["metadata"]["engine"] == "deepgram"


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("words", ["start_time", "end_time", "word"]),
        ("paragraphs", ["start_time", "end_time", "text"]),
        ("segments", ["window_id", "start_time", "end_time", "word_count", "speech_rate", "text"]),
    ],
)
def test_deepgram_s_tables_have_the_columns_of_the_contract(kind: str, columns: list[str]) -> None:
    words = speech()
    rows = list(csv.reader(io.StringIO(files(by_deepgram(words, 240.0))[kind])))

    assert rows[0] == columns
    assert len(rows) > 3
    assert {len(row) for row in rows} == {len(columns)}


def test_paragraphs_are_ours_and_not_deepgram_s() -> None:
    found = csv.DictReader(io.StringIO(files(by_deepgram(speech(), 240.0))["paragraphs"]))
    lengths_s = [float(row["end_time"]) - float(row["start_time"]) for row in found]

    assert 10 < len(lengths_s) < 20
    assert max(lengths_s) <= 60


def test_words_are_written_with_their_punctuation() -> None:
    raw = SENTENCE.read_bytes()
    transcript = transcript_of(raw, AudioInfo(6.2, 8_000, 1, "mp3"), model="nova-3", language="en")
    rows = list(csv.DictReader(io.StringIO(files(transcript)["words"])))

    assert [row["word"] for row in rows][:3] == ["Good", "evening,", "everyone."]
