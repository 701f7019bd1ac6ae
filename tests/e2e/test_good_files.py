"""Recordings dropped into the bucket come out as transcripts, through the real chain."""

import json
import re
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import pytest

from infra.local.samples import samples
from tests.e2e.chain import Chain
from tests.waiting import wait_until

pytestmark = [pytest.mark.local_cloud, pytest.mark.asr]

SHORT = [sample for sample in samples() if sample.duration_s < 60]
GOLDEN = Path(__file__).parent / "golden"

NUMBER = r"\d+\.\d{1,3}"
FIELD = r'(?:[^",\r\n]*|"(?:[^"]|"")*")'
CLOCK = r"\d\d:\d\d:\d\d"
FORMS = {
    "words": rf"start_time,end_time,word\r\n(?:{NUMBER},{NUMBER},{FIELD}\r\n)+",
    "paragraphs": rf"start_time,end_time,text\r\n(?:{NUMBER},{NUMBER},{FIELD}\r\n)+",
    "segments": rf"window_id,start_time,end_time,word_count,speech_rate,text\n"
    rf"(?:\d+,{NUMBER},{NUMBER},\d+,\d+\.\d+,{FIELD}\n)+",
    "srt": rf"\d+\n{CLOCK},\d{{3}} --> {CLOCK},\d{{3}}\n.+\n(?:.+\n)?"
    rf"(?:\n\d+\n{CLOCK},\d{{3}} --> {CLOCK},\d{{3}}\n.+\n(?:.+\n)?)*",
    "vtt": rf"WEBVTT\n(?:\n{CLOCK}\.\d{{3}} --> {CLOCK}\.\d{{3}}\n.+\n(?:.+\n)?)+",
}
TYPES = {
    "words": "text/csv; charset=utf-8",
    "paragraphs": "text/csv; charset=utf-8",
    "segments": "text/csv; charset=utf-8",
    "transcript": "application/json",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
}


def test_twenty_recordings_at_once_come_out_as_twenty_of_everything(chain: Chain) -> None:
    wanted = list(islice(cycle(SHORT), 20))
    dropped = [chain.drop(sample.path, video_id=str(5000 + n)) for n, sample in enumerate(wanted)]
    for number, (sample, audio) in enumerate(zip(wanted, dropped, strict=True)):
        event = chain.outcome(audio)
        assert event["outcome"] == "completed"
        assert chain.text(event) == sample.text
        _check_files(chain, event, str(5000 + number))
        video = wait_until(_video_with_urls(chain, str(5000 + number)))
        assert video["transcript_url"] == event["files"]["segments"]
        assert video["transcriptWords_url"] == event["files"]["words"]
        assert video["status"] == "Transcribing"


def _check_files(chain: Chain, event: dict[str, object], video_id: str) -> None:
    for kind, stored in chain.stored(event).items():
        assert stored is not None
        assert stored.content_type == TYPES[kind]
        assert stored.name.startswith(f"{video_id}/audio_{video_id}")
    outputs = chain.outputs(event)
    for kind, form in FORMS.items():
        assert re.fullmatch(form, outputs[kind].decode()), f"{kind} of {video_id} has another form"
    document = json.loads(outputs["transcript"])
    assert document["text"] == document["results"]["channels"][0]["alternatives"][0]["transcript"]


def _video_with_urls(chain: Chain, video_id: str) -> Callable[[], dict[str, str] | None]:
    def look() -> dict[str, str] | None:
        video = chain.video(video_id)
        return video if video and "transcript_url" in video else None

    return look


def test_a_recording_that_deepgram_hears_gives_the_golden_files(chain: Chain) -> None:
    greeting = next(sample for sample in SHORT if sample.path.name == "greeting.flac")
    event = chain.outcome(chain.drop(greeting.path, video_id="4999", engine="deepgram"))
    assert event["engine"] == "deepgram"
    outputs = chain.outputs(event)
    for kind in ("words", "paragraphs", "segments", "srt", "vtt"):
        assert outputs[kind] == (GOLDEN / kind).read_bytes()


def test_the_same_event_delivered_twice_changes_nothing(chain: Chain) -> None:
    audio = chain.drop(SHORT[0].path, video_id="6001")
    first = chain.outcome(audio)
    stored, record = chain.stored(first), wait_until(_video_with_urls(chain, "6001"))
    state = chain.state("")
    chain.notify(audio)
    second = chain.outcome(audio, count=2)
    assert second == first
    assert second["_attributes"]["ce-id"] == first["_attributes"]["ce-id"]
    assert chain.stored(second) == stored
    assert chain.video("6001") == record
    assert chain.state("") == state


def test_a_name_with_spaces_and_unicode_keeps_its_folders(chain: Chain) -> None:
    audio = chain.drop_as("gespräche/montag früh 日本.flac", SHORT[0].path.read_bytes())
    event = chain.outcome(audio)
    assert event["video_id"] == "gespräche/montag früh 日本"
    name = "gs://klipstream-transcripts/gespräche/montag früh 日本/audio_montag früh 日本_words.csv"
    assert event["files"]["words"] == name
    assert chain.text(event) == SHORT[0].text


@pytest.mark.parametrize("name", ["7001/audio_7001.flac", "7002/audio/audio_7002.flac"])
def test_both_layouts_of_the_pipeline_name_the_video(chain: Chain, name: str) -> None:
    event = chain.outcome(chain.drop_as(name, SHORT[0].path.read_bytes()))
    assert event["video_id"] == name.split("/", maxsplit=1)[0]
    assert chain.text(event) == SHORT[0].text


def test_a_newer_upload_of_a_name_wins_whatever_comes_later(chain: Chain) -> None:
    older = chain.drop_as("7100/audio_7100.flac", SHORT[0].path.read_bytes())
    chain.outcome(older)
    newer = chain.drop_as("7100/audio_7100.flac", SHORT[1].path.read_bytes())
    event = chain.outcome(newer)
    assert newer.job_id != older.job_id
    chain.notify(older)
    again = chain.outcome(older, count=2)
    assert again["superseded"]
    assert chain.text(event) == SHORT[1].text
