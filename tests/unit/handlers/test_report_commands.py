import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.report import report
from handlers.cli import app
from handlers.report_commands import COLUMNS, lines, print_csv, print_report
from handlers.report_plot import draw
from infra import settings
from tests.unit.core.bookkeeping import BY_DEEPGRAM, WOKEN, attempt

FOUND = report("2026-11", [attempt(WOKEN), attempt(BY_DEEPGRAM, job_id="b" * 64, is_dear=True)])


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *arguments])


def test_people_read_totals_savings_engines_days_and_what_waits(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(FOUND, 4, settings.load({"MONTHLY_TRANSCRIPTION_BUDGET": "50"}), as_json=False)
    said = capsys.readouterr().out
    assert "2026-11: 2 jobs, 2 attempts (2 completed)" in said
    assert "0.5400 USD would have been charged" in said
    assert "1 wake-ups" in said
    assert "audio         120.0 min" in said
    assert "instances     11.6 min paid" in said
    assert "1 attempts over COST_THRESHOLD_PER_HOUR" in said
    assert "2026-11-24" in said
    assert "of 50.00 USD" in said
    assert "parked        4 files wait" in said


def test_of_a_month_without_attempts_only_budget_and_parking_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_report(report("2026-11", []), 2, settings.load({}), as_json=False)
    budget, parked = capsys.readouterr().out.splitlines()
    assert budget.split() == ["budget", "0.00", "of", "1,000.00", "USD"]
    assert parked.startswith("parked        2 files")


def test_nobody_is_told_a_share_of_savings_that_there_are_not() -> None:
    woken = report("2026-11", [attempt(WOKEN, deepgram_usd=0.001)])
    (saved,) = [line for line in lines(woken) if line.startswith("saved")]
    assert saved.startswith("saved         -0.2")
    assert "%" not in saved


def test_attempts_of_dead_processes_are_said_to_be_guesses() -> None:
    dead = report("2026-11", [attempt(ending="abandoned")])
    assert any("1 attempts whose process died" in line for line in lines(dead))


def test_machines_read_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(FOUND, 4, settings.load({}), as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["parked"], said["budget_usd"], said["over_budget"]) == (4, 1000, "park")
    assert said["usd"] == pytest.approx(FOUND.usd)


def test_a_spreadsheet_gets_one_row_for_each_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv([attempt(), attempt(fence=2, ending="retried")])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["ending"] for row in rows] == ["completed", "retried"]
    assert tuple(rows[0]) == COLUMNS
    assert float(rows[0]["usd"]) == pytest.approx(attempt().usd)


def test_a_plot_is_a_picture(tmp_path: Path) -> None:
    assert draw(tmp_path / "month.png", FOUND)
    assert (tmp_path / "month.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "arguments", [["--month", "2026-13"], ["--month", "November"], ["--json", "--csv"], ["--plot", "."]]
)
def test_wrong_usage_is_said_before_anything_is_asked(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_settings_that_lead_nowhere_are_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    result = run("--month", "2026-11")
    assert result.exit_code == 2
    assert "nobody answers there" in result.stderr


def test_the_page_of_expected_costs_needs_no_cloud() -> None:
    result = run("--matrix")
    assert result.exit_code == 0
    assert result.stdout.startswith("# What a file costs")
