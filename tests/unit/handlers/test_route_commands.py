import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from handlers.cli import app
from handlers.route_commands import seconds_of
from infra.local.samples import samples

KEY = {"DEEPGRAM_API_KEY": "made-up"}
GREETING = next(sample.path for sample in samples() if sample.path.name == "greeting.flac")


def route(*arguments: object, **environ: str) -> Result:
    return CliRunner().invoke(app, ["route", *map(str, arguments)], env={**KEY, **environ})


def decided(*arguments: object, **environ: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(route(*arguments, "--json", **environ).stdout)
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5400", 5400),
        ("90m", 5400),
        ("90min", 5400),
        ("1h30", 5400),
        ("1h30m", 5400),
        ("2H30", 9000),
        ("1.5h", 5400),
        ("1h 5m 3s", 3903),
        ("45s", 45),
        ("0.5", 0.5),
        ("2h5", 7500),
        ("", None),
        ("h", None),
        ("soon", None),
        ("-5", None),
        ("90 minutes", None),
        ("2h75", None),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_the_method_comes_with_its_reasons_time_and_cost() -> None:
    shown = route("90m")
    assert shown.exit_code == 0
    first, *reasons = shown.stdout.splitlines()
    assert first == "parakeet: 54 s, 0.0157 USD predicted"
    assert reasons[0] == "  1.50 h of audio, allowed: parakeet, deepgram [matrix_short]"
    assert reasons[1].startswith("  parakeet has the lowest cost with waiting")


@pytest.mark.parametrize(("gpu", "method"), [("yes", "parakeet"), ("no", "deepgram"), ("cold", "deepgram")])
def test_it_depends_on_the_gpu(gpu: str, method: str) -> None:
    assert decided("30m", "--gpu", gpu)["method"] == method


def test_it_depends_on_the_settings_the_queue_and_the_file() -> None:
    assert decided("30m", FORCE_DEEPGRAM_TRANSCRIPTION="true")["method"] == "deepgram"
    assert decided("30m", "--queue", 5000)["method"] == "deepgram"
    assert decided("30m", "--language", "de")["method"] == "deepgram"
    assert decided("30m", "--video-id", "1", ROLLOUT_PERCENT="29")["method"] == "deepgram"
    assert decided("30m", "--video-id", "1", ROLLOUT_PERCENT="30")["method"] == "parakeet"
    assert decided("1h", GPU_RTFX="50")["predicted_s"] == 72


def test_a_file_is_measured() -> None:
    found = decided(GREETING)
    assert found["audio_s"] == pytest.approx(3.1, abs=0.1)
    assert found["method"] == "parakeet"


def test_the_table_holds_every_method_and_the_rule_that_took_it_away() -> None:
    table = {row["method"]: row for row in decided("3h", "--explain", ALLOW_DEEPGRAM="false")["table"]}
    assert set(table) == {"parakeet", "parakeet_cpu", "deepgram", "hybrid"}
    assert (table["parakeet"]["place"], table["parakeet"]["rule"]) == (1, "")
    assert table["deepgram"]["rule"] == table["hybrid"]["rule"] == "privacy"
    assert table["deepgram"]["reason"]["code"] == "deepgram_not_allowed"
    assert table["parakeet_cpu"]["rule"] == "gpu"
    assert table["deepgram"]["predicted_cost_usd"] == pytest.approx(0.81)


def test_the_table_is_shown_to_people_too() -> None:
    shown = route("90m", "--explain").stdout
    assert "taken away by" in shown
    assert "not parakeet_cpu: there is a GPU, so the CPU is left alone [gpu_present]" in shown


def test_where_no_method_is_left_the_reasons_say_why() -> None:
    shown = route("1h", "--gpu", "no", "--explain", ALLOW_DEEPGRAM="false")
    assert shown.exit_code == 1
    assert "no engine can transcribe this file now: audio may not leave for Deepgram" in shown.stderr
    assert "the GPU is not available" in shown.stdout
    assert decided("1h", "--gpu", "no", ALLOW_DEEPGRAM="false")["method"] is None


@pytest.mark.parametrize(
    ("audio", "exit_code", "said"),
    [
        ("soon", 2, "'soon' is neither a file nor a duration such as 90m, 2h30 or 5400"),
        ("13h", 1, "duration is 46800 s, expected at most 43200 s"),
        ("0", 1, "duration is 0.000 s"),
        ("no-such-file.mp3", 2, "is neither a file nor a duration"),
    ],
)
def test_what_cannot_be_routed_is_said_in_a_sentence(audio: str, exit_code: int, said: str) -> None:
    shown = route(audio)
    assert (shown.exit_code, shown.stdout) == (exit_code, "")
    assert said in shown.stderr


def test_a_file_that_is_no_audio_is_named_as_on_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp3"
    path.write_text("no audio at all")
    shown = route(path)
    assert shown.exit_code == 1
    assert str(path) in shown.stderr
    assert "gs://" not in shown.stderr


def test_settings_that_cannot_be_used_are_wrong_usage() -> None:
    shown = route("1h", ROLLOUT_PERCENT="250")
    assert shown.exit_code == 2
    assert "ROLLOUT_PERCENT=250: expected 0 to 100" in shown.stderr
