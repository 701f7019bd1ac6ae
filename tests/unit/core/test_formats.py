import csv
import io
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given

from core.document import document
from core.formats import KINDS, output_names, render
from core.grid import on_grid
from core.transcript import Gap, Transcript, Word
from core.transcript_json import Origin
from tests.unit.core.transcripts import steady, transcript, transcripts, words

GOLDEN = Path(__file__).parents[2] / "golden"
PARAKEET = "nvidia/parakeet-tdt-0.6b-v2"

PUNCTUATED = Transcript(
    (
        Word("Hello", 12.48, 12.8, 0.98767),
        Word("everyone,", 13.0, 13.4, 1.2),
        Word("welcome", 13.5, 14.0004),
        Word("back.", 14.2, 21.9),
        Word("It’s", 22.0, 22.5),
        Word('"$1,500"', 22.5, 23.1),
        Word("café", 23.2, 24.0003),
        Word("😀!", 24.0003, 24.5, math.nan),
        Word("=A1?", 25.3, 25.75, 0.5),
        Word("Yes.", 26.0, 26.125),
    ),
    40.0004,
    "deepgram",
    "nova-3",
)
UNPUNCTUATED = Transcript(
    (
        *steady("one two three four five six seven eight nine ten eleven twelve", each_s=2.0),
        Word("thirteen", 24.8, 25.3),
        Word("fourteen", 25.3, 26.0),
    ),
    26.0,
    "parakeet",
    PARAKEET,
)
SILENT = Transcript((), 300.0, "parakeet", PARAKEET, gaps=(Gap(2.5, 299.0, "no_words"),))
WINDOWS = Transcript(
    words(
        ("Start.", 0.0, 1.0),
        ("halved", 59.5, 60.5),
        ("words.", 60.6, 64.5),
        ("Thirty", 117.0, 119.0),
        ("percent.", 119.1, 127.0),
    ),
    130.0,
    "hybrid",
    "nova-3",
    "de",
    (Gap(10.0, 14.25, "not_decodable"), Gap(20.0007, 58.5, "no_words")),
)
CASES: Mapping[str, tuple[Transcript, str, str]] = {
    "punctuated": (PUNCTUATED, "2434635255", "2434635255/audio_2434635255.mp3"),
    "unpunctuated": (UNPUNCTUATED, "talks/monday", "talks/monday.wav"),
    "silent": (SILENT, "8", "8/audio_8.mp3"),
    "windows": (WINDOWS, "7", "7/audio/audio_7.mp3"),
}


def origin(video_id: str = "7", name: str = "7/audio_7.mp3") -> Origin:
    uri = f"gs://klipstream-vods-raw/{name}"
    return Origin("job-1", video_id, uri, 1700000000000001, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES)
def test_each_file_is_the_golden_one_byte_for_byte(case: str, kind: str) -> None:
    heard, video_id, name = CASES[case]
    file = {str(key): found for key, found in render(heard, origin(video_id, name)).items()}[kind]
    golden = GOLDEN / case / file.name.rsplit("/", 1)[-1]
    assert file.data == golden.read_bytes()


def test_every_golden_file_is_compared() -> None:
    compared = {
        GOLDEN / case / name.rsplit("/", 1)[-1]
        for case, (_, video_id, _) in CASES.items()
        for name in output_names(video_id).values()
    }
    assert compared == {path for path in GOLDEN.glob("*/*") if path.is_file()}


@pytest.mark.parametrize(
    ("video_id", "stem"),
    [("2434635255", "2434635255/audio_2434635255"), ("talks/monday", "talks/monday/audio_monday")],
)
def test_objects_are_named_after_the_video(video_id: str, stem: str) -> None:
    assert output_names(video_id) == {
        "words": f"{stem}_words.csv",
        "paragraphs": f"{stem}_paragraphs.csv",
        "segments": f"{stem}_segments.csv",
        "transcript": f"{stem}_transcript.json",
        "srt": f"{stem}.srt",
        "vtt": f"{stem}.vtt",
    }


def test_files_carry_the_content_types_of_the_contract() -> None:
    assert {kind: file.content_type for kind, file in render(SILENT, origin()).items()} == {
        "words": "text/csv; charset=utf-8",
        "paragraphs": "text/csv; charset=utf-8",
        "segments": "text/csv; charset=utf-8",
        "transcript": "application/json",
        "srt": "application/x-subrip",
        "vtt": "text/vtt",
    }


@pytest.mark.parametrize("engine", ["parakeet", "deepgram", "hybrid"])
def test_names_and_columns_are_the_same_for_every_engine(engine: str) -> None:
    files = render(Transcript(PUNCTUATED.words, 40.0, engine, "m"), origin("2434635255"))
    for kind in ("words", "paragraphs", "segments"):
        golden = GOLDEN / "punctuated" / files[kind].name.rsplit("/", 1)[-1]
        assert files[kind].data == golden.read_bytes()


def test_half_a_surrogate_pair_does_not_stop_the_files() -> None:
    files = render(transcript(words(("\ud83d", 0.0, 1.0))), origin())
    assert files["words"].data.endswith(b"0.0,1.0,?\r\n")
    assert json.loads(files["transcript"].data)["text"] == "?"


def test_a_word_of_punctuation_alone_keeps_it_in_the_json() -> None:
    files = render(transcript(words(("…", 0.0, 1.0))), origin())
    assert json.loads(files["transcript"].data)["words"][0]["word"] == "…"


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


@given(transcripts())
def test_what_is_written_reads_back_with_nothing_lost(heard: Transcript) -> None:
    files = render(heard, origin())
    fitted = on_grid(heard)
    assert [(float(r["start_time"]), float(r["end_time"]), r["word"]) for r in rows(files["words"].data)] == [
        (word.start_s, word.end_s, word.text) for word in fitted.words
    ]
    assert " ".join(r["text"] for r in rows(files["paragraphs"].data)) == fitted.text
    body = json.loads(files["transcript"].data)
    assert [word["punctuated_word"] for word in body["words"]] == [word.text for word in fitted.words]
    assert " ".join(segment["text"] for segment in body["segments"]) == fitted.text
    assert body["results"]["channels"][0]["alternatives"][0]["words"] == body["words"]


@given(transcripts())
def test_segment_rows_read_back_as_the_windows_they_were(heard: Transcript) -> None:
    found = rows(render(heard, origin())["segments"].data)
    assert [
        (int(r["window_id"]), float(r["start_time"]), float(r["end_time"]), int(r["word_count"]), r["text"])
        for r in found
    ] == [(w.window_id, w.start_s, w.end_s, w.word_count, w.text) for w in document(heard).windows]
    assert all(float(r["speech_rate"]) == int(r["word_count"]) / 60 for r in found)


@given(transcripts())
def test_every_time_is_a_plain_decimal_and_no_row_is_empty_of_time(heard: Transcript) -> None:
    for row in rows(render(heard, origin())["words"].data):
        assert re.fullmatch(r"\d+\.\d{1,3}", row["start_time"])
        assert re.fullmatch(r"\d+\.\d{1,3}", row["end_time"])
        assert float(row["end_time"]) > float(row["start_time"])
