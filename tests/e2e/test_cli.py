"""The command line as a user runs it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from handlers.cli import app
from infra.local.samples import samples
from tests.e2e.chain import Chain
from tests.e2e.surroundings import plain

SAMPLES = {sample.path.name: sample for sample in samples()}
GREETING = SAMPLES["greeting.flac"]
PHONE = SAMPLES["phone_short.mp3"]
COMMAND = [sys.executable, "-m", "handlers.cli"]


def run(*arguments: object, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=dict(env or {}))


@pytest.mark.asr
def test_a_transcript_goes_to_stdout_and_everything_else_to_stderr() -> None:
    done = subprocess.run(
        [*COMMAND, "transcribe", str(GREETING.path), str(PHONE.path)],
        capture_output=True,
        text=True,
        check=False,
        env=plain(),
    )
    assert done.returncode == 0
    assert done.stdout == f"{GREETING.text}\n{PHONE.text}\n"
    assert "parakeet-tdt-tiny, which knows 50 words" in done.stderr
    assert "greeting.flac: 3.1 s of audio, 3 words" in done.stderr


@pytest.mark.asr
def test_a_bad_file_is_named_and_the_good_ones_are_still_transcribed(tmp_path: Path) -> None:
    bad = tmp_path / "notes.mp3"
    bad.write_text("no audio at all " * 100)
    result = run("transcribe", bad, GREETING.path, "--output-dir", tmp_path / "out", "--format", "words")
    assert result.exit_code == 1
    assert "notes.mp3" in result.stderr
    assert "expected audio" in result.stderr
    assert result.stdout.startswith("start_time,end_time,word")
    folder = tmp_path / "out" / "greeting"
    assert {path.name.removeprefix("audio_greeting") for path in folder.iterdir()} == {
        "_words.csv",
        "_paragraphs.csv",
        "_segments.csv",
        "_transcript.json",
        ".srt",
        ".vtt",
    }
    assert json.loads((folder / "audio_greeting_transcript.json").read_text())["text"] == GREETING.text


@pytest.mark.asr
@pytest.mark.parametrize(
    ("wanted", "start"),
    [
        ("json", '{"'),
        ("srt", "1\n00:00:00,"),
        ("vtt", "WEBVTT\n"),
        ("paragraphs", "start_time,end_time,text"),
        ("segments", "window_id,start_time"),
    ],
)
def test_every_format_can_be_printed(wanted: str, start: str) -> None:
    result = run("transcribe", GREETING.path, "--format", wanted, "--video-id", "77")
    assert result.exit_code == 0
    assert result.stdout.startswith(start)


def test_wrong_usage_ends_with_two(tmp_path: Path) -> None:
    assert run("transcribe", tmp_path / "missing.mp3").exit_code == 2
    both = run("transcribe", GREETING.path, PHONE.path, "--video-id", "1")
    assert both.exit_code == 2
    assert "2 files are given, expected 1" in " ".join(both.stderr.replace("│", " ").split())


def test_a_setting_out_of_range_ends_with_two_and_names_value_and_range() -> None:
    result = run("transcribe", GREETING.path, env={"GPU_BATCH_SIZE": "9000"})
    assert result.exit_code == 2
    assert "GPU_BATCH_SIZE=9000: expected auto, or a whole number, 1 to 512" in result.stderr


@pytest.mark.asr
def test_a_model_that_is_missing_ends_with_one_and_says_what_to_set() -> None:
    result = run("transcribe", GREETING.path, "--model", "nowhere.nemo")
    assert result.exit_code == 1
    assert "nowhere.nemo can't be loaded" in " ".join(result.stderr.split())


NO_CLOUD = {
    "STORAGE_EMULATOR_HOST": "",
    "PUBSUB_EMULATOR_HOST": "",
    "GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json",
}


@pytest.mark.parametrize("more", [[], ["--wait"]])
def test_an_upload_without_any_cloud_ends_with_two_and_says_what_to_do(more: list[str]) -> None:
    result = run("upload", GREETING.path, *more, env=NO_CLOUD)
    assert result.exit_code == 2
    assert "no Google Cloud credentials" in result.stderr
    assert "run `klipscribe up`" in result.stderr


@pytest.mark.parametrize("command", ["up", "demo"])
def test_servers_are_not_started_with_wrong_settings(command: str) -> None:
    result = run(command, env={"GPU_BATCH_SIZE": "9000"})
    assert result.exit_code == 2
    assert "GPU_BATCH_SIZE=9000" in result.stderr
    assert "starting" not in result.stderr


def test_a_folder_that_cannot_be_made_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("transcribe", GREETING.path, "--output-dir", tmp_path / "file" / "below")
    assert result.exit_code == 2
    assert "can't be made" in result.stderr


@pytest.mark.asr
def test_a_name_of_any_kind_is_kept_in_messages_and_outputs(tmp_path: Path) -> None:
    odd = tmp_path / "[red]é x.flac"
    not_utf8 = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.flac"))
    for path in (odd, not_utf8):
        path.write_bytes(GREETING.path.read_bytes())
    silent = tmp_path / "notes.txt"
    silent.touch()
    folder = tmp_path / "out"
    result = run("transcribe", odd, not_utf8, silent, "--output-dir", folder)
    assert result.stdout == f"{GREETING.text}\n" * 2
    assert "[red]é x.flac: 3.1 s" in result.stderr
    assert f"error: {silent}: unknown extension" in result.stderr
    assert "gs://" not in result.stderr
    assert {path.name for path in folder.iterdir()} == {"[red]é x", "bad\ufffd"}
    again = run("transcribe", odd, "--output-dir", folder)
    assert f"replaced {folder}/[red]é x/audio_[red]é x_words.csv" in again.stderr


@pytest.mark.local_cloud
@pytest.mark.asr
def test_an_upload_names_what_cannot_be_uploaded_and_goes_on(chain: Chain, tmp_path: Path) -> None:
    video = tmp_path / "talk.mp4"
    video.write_bytes(b"video")
    result = run("upload", video, PHONE.path, "--wait", env=chain.cloud.exports)
    assert result.exit_code == 1
    assert f"error: {video}: unknown extension .mp4, expected one of .mp3" in result.stderr
    assert "words by parakeet" in result.stdout
    elsewhere = run("upload", PHONE.path, env={**chain.cloud.exports, "AUDIO_BUCKET": "nowhere"})
    assert elsewhere.exit_code == 1
    assert "there is no bucket nowhere" in elsewhere.stderr


@pytest.mark.local_cloud
@pytest.mark.asr
def test_an_upload_waits_for_the_outcome_of_each_file(chain: Chain, tmp_path: Path) -> None:
    bad = tmp_path / "empty.mp3"
    bad.write_bytes(b"")
    good = run("upload", GREETING.path, "--video-id", "9100", "--wait", env=chain.cloud.exports)
    assert good.exit_code == 0
    assert "3 words by parakeet, gs://klipstream-transcripts/9100/audio_9100_words.csv" in good.stdout
    assert f"uploaded {GREETING.path} to gs://" in good.stderr
    failed = run("upload", bad, "--wait", env=chain.cloud.exports)
    assert failed.exit_code == 1
    assert "failed, empty: gs://klipstream-vods-raw/empty.mp3: size is 0 bytes" in failed.stderr


@pytest.mark.local_cloud
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_up_prints_what_clients_need_and_takes_its_servers_along(ending: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "up"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain()
    ) as up:
        assert up.stdout is not None
        lines = [up.stdout.readline() for _ in range(7)]
        exports = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        url = exports["STORAGE_EMULATOR_HOST"]
        buckets = httpx.get(f"{url}/storage/v1/b", trust_env=False).json()["items"]
        assert exports["AUDIO_BUCKET"] in {bucket["name"] for bucket in buckets}
        up.send_signal(ending)
        up.communicate(timeout=30)
    assert up.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)


@pytest.mark.local_cloud
@pytest.mark.asr
def test_the_demo_ends_with_every_transcript_right() -> None:
    done = subprocess.run([*COMMAND, "demo"], capture_output=True, text=True, check=False, env=plain())
    assert done.returncode == 0, done.stderr
    assert f"{len(SAMPLES) - 1} of {len(SAMPLES) - 1} transcripts are right" in done.stdout


@pytest.mark.local_cloud
@pytest.mark.asr
@pytest.mark.full
def test_the_demo_fails_when_transcripts_are_missing() -> None:
    env = plain(PARAKEET_MODEL_NAME="nowhere.nemo", ALLOW_DEEPGRAM="false")
    done = subprocess.run([*COMMAND, "demo"], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 1
    assert "engine_model_unavailable" in done.stdout
