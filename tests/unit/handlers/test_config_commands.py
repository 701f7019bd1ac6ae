import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handlers.cli import app
from handlers.config_commands import PAGE, page
from infra.settings import NAMES, Settings
from infra.settings_told import SECTIONS, told
from tests.e2e.surroundings import plain

ROOT = Path(__file__).parents[3]
SECRET = "dg-5f3a"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, **environ: str) -> Result:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    return CliRunner().invoke(app, ["config", *arguments], env={**plain(), **environ})


def test_the_page_of_settings_is_the_one_that_is_generated() -> None:
    found = (ROOT / PAGE).read_text(encoding="utf-8")
    assert found == page(), "run: .venv/bin/klipscribe config --markdown"


def test_the_page_is_written_below_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    assert run(monkeypatch, "--markdown", LOG_LEVEL="DEBUG").exit_code == 0
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == page()


def test_without_a_docs_folder_no_page_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(monkeypatch, "--markdown")
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])


def test_every_setting_is_printed_once_with_its_value_source_default_range_and_meaning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = run(monkeypatch, GPU_BATCH_SIZE="16").stdout.splitlines()
    assert [sum(line.startswith(f"  {name}=") for line in lines) for name in NAMES] == [1] * len(NAMES)
    at = lines.index("  GPU_BATCH_SIZE=16  [GPU_BATCH_SIZE]")
    meaning = Settings.model_fields["gpu_batch_size"].description
    assert lines[at + 1] == f"      {meaning} Default auto; expected auto, or a whole number, 1 to 512."
    assert "  MAX_FILE_SIZE_GB=2  [default]" in lines


def test_a_value_that_came_by_an_older_name_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = json.loads(run(monkeypatch, "--json", USE_GPU_TRANSCRIPTION="no").stdout)
    (row,) = (row for row in rows if row["name"] == "ENABLE_GPU_TRANSCRIPTION")
    assert (row["value"], row["source"], row["default"]) == ("false", "USE_GPU_TRANSCRIPTION", "true")
    assert row["aliases"] == ["USE_GPU_TRANSCRIPTION"]


def test_json_holds_every_setting_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = json.loads(run(monkeypatch, "--json").stdout)
    assert [row["name"] for row in rows] == list(NAMES)
    assert all(row["section"] and row["does"] and row["expected"] for row in rows)
    assert {row["source"] for row in rows} == {"default"}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_secret_shows_that_it_is_set_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    result = run(monkeypatch, *form, DEEPGRAM_API_KEY=SECRET, CONVEX_API_KEY=SECRET)
    assert result.exit_code == 0
    assert SECRET not in result.output
    assert result.stdout.count("(hidden)") == 2


def test_settings_that_can_not_be_used_end_with_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, GPU_BATCH_SIZE="0")
    assert result.exit_code == 2
    assert "GPU_BATCH_SIZE=0: expected auto, or a whole number, 1 to 512" in result.stderr


def test_a_misspelt_name_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, TRANSCRIPTION_METHODS="deepgram")
    assert "did you mean TRANSCRIPTION_METHOD?" in result.stderr
    assert "did you mean" not in result.stdout


def test_two_forms_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, "--markdown", "--json").exit_code == 2


def test_each_section_starts_at_a_setting_that_exists_and_the_first_at_the_first() -> None:
    fields = list(Settings.model_fields)
    assert set(SECTIONS) <= set(fields)
    assert next(iter(SECTIONS)) == fields[0]


def test_a_default_that_is_worked_out_is_shown_as_auto_and_nothing_as_nothing() -> None:
    shown = {row.name: row.value for row in told(Settings(), {})}
    assert (shown["GPU_BATCH_SIZE"], shown["DEEPGRAM_API_KEY"], shown["CONVEX_URL"]) == (
        "auto",
        "(none)",
        "(empty)",
    )
