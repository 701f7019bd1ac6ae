"""`klipscribe report`: what a month came to, from the books."""

# ruff: noqa: FBT002 - typer reads flags from signatures

import csv
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from core.attempts import Attempt
from core.errors import KlipscribeError
from core.ports import ObjectNotFound, ObjectStore
from core.report import Report, report
from infra import settings as environment
from infra.settings import Settings, SettingsError

FAILED, WRONG_USAGE = 1, 2
COLUMNS = (
    "claimed", "ended", "job_id", "run", "fence", "video_id", "service", "ending", "code", "method",
    "audio_s", "usd", "deepgram_usd", "is_dear", "is_estimate",
)  # fmt: skip

Month = Annotated[str, typer.Option(help="Such as 2026-11; the running one when missing. UTC.")]
AsJson = Annotated[bool, typer.Option("--json", help="All sums as JSON on stdout.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="One row for each attempt as CSV on stdout.")]
Plot = Annotated[Path | None, typer.Option(dir_okay=False, help="Write a plot of the days, as PNG.")]
Matrix = Annotated[bool, typer.Option("--matrix", help="Print the page of expected costs instead.")]


def command(
    month: Month = "",
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    plot: Plot = None,
    matrix: Matrix = False,
) -> None:
    """What a month of transcription came to: costs, savings, engines, days."""
    if matrix:
        from handlers.cost_page import page

        typer.echo(page(), nl=False)
        return
    month = month or f"{datetime.now(UTC):%Y-%m}"
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or (as_json and as_csv):
        raise typer.BadParameter("expected a month such as 2026-11, and at most one of --json and --csv")
    with _complaining():
        settings = environment.load()
        attempts, parked = _from_the_books(settings, month)
    found = report(month, attempts)
    if not attempts:
        typer.echo(f"no attempt of {month} is in the books in gs://{settings.state_bucket}", err=True)
    if as_csv:
        print_csv(attempts)
    else:
        print_report(found, parked, settings, as_json=as_json)
    if plot and attempts:
        _draw(plot, found)


def print_report(found: Report, parked: int, settings: Settings, *, as_json: bool) -> None:
    """All sums, for machines or for people."""
    budget = {"budget_usd": settings.monthly_transcription_budget, "over_budget": settings.over_budget}
    if as_json:
        typer.echo(json.dumps({**found.to_json(), "parked": parked, **budget}, indent=2))
        return
    for line in lines(found) if found.attempts else ():
        typer.echo(line)
    typer.echo(f"budget        {found.usd:.2f} of {settings.monthly_transcription_budget:,.2f} USD")
    typer.echo(f"parked        {parked} files wait for more budget")


def lines(found: Report) -> Iterator[str]:
    """The sums as lines for people."""
    endings = ", ".join(f"{count} {ending.replace('_', ' ')}" for ending, count in found.endings.items())
    yield f"{found.month}: {found.jobs} jobs, {found.attempts} attempts ({endings or 'none'})"
    yield f"audio         {_span(found.audio_s)}"
    yield f"cost          {found.usd:.4f} USD"
    if found.maybe_usd:
        yield f"perhaps       {found.maybe_usd:.4f} USD more: Deepgram was asked and did not answer"
    yield f"Deepgram      {found.deepgram_usd:.4f} USD would have been charged for the same audio"
    share = f" ({found.savings_usd / found.deepgram_usd:.1%})" if found.savings_usd > 0 else ""
    yield f"saved         {found.savings_usd:.4f} USD{share}"
    yield (
        f"instances     {_span(found.instance_s)} paid, {found.wake_ups} wake-ups, "
        f"{found.start_share:.1%} starting, {found.idle_share:.1%} idle"
    )
    yield f"dear          {found.dear} attempts over COST_THRESHOLD_PER_HOUR"
    if found.estimates:
        yield f"estimated     {found.estimates} attempts whose process died: a bound, not a measure"
    for runner, sums in found.by_engine.items():
        yield f"  {runner:<14}{sums.uses:>6} uses {_span(sums.heard_s):>12} heard {sums.usd:>12.4f} USD"
    for day, sums_of_day in found.by_day.items():
        yield (
            f"  {day}    {sums_of_day.attempts:>6} attempts {sums_of_day.completed:>6} completed "
            f"{sums_of_day.usd:>12.4f} USD, Deepgram {sums_of_day.deepgram_usd:.4f}"
        )


def _span(seconds: float) -> str:
    if seconds < 600:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 36_000 else f"{seconds / 3600:.1f} h"


def _from_the_books(settings: Settings, month: str) -> tuple[list[Attempt], int]:
    """The attempts of a month, and how many files are parked."""
    from handlers.accounting import parking_in
    from infra.books import ObjectBooks
    from infra.clock import SystemClock
    from infra.credentials import require_cloud
    from infra.gcs import GcsStore, storage_client

    project = require_cloud(settings, events=False)
    store: ObjectStore = GcsStore(storage_client(project, settings.storage_emulator_host))
    attempts = list(ObjectBooks(store, settings.state_bucket).of_month(month))
    return attempts, parking_in(settings, store, SystemClock()).count()


@contextmanager
def _complaining() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(WRONG_USAGE) from error
    except (KlipscribeError, ObjectNotFound) as error:
        typer.echo(f"error: the books can't be read: {error}", err=True)
        raise typer.Exit(FAILED) from error


def print_csv(attempts: list[Attempt]) -> None:
    """One row for each attempt, under a header, on stdout."""
    rows = csv.writer(sys.stdout)
    rows.writerow(COLUMNS)
    for attempt in attempts:
        values: dict[str, Any] = attempt.to_json()
        rows.writerow(values[column] for column in COLUMNS)


def _draw(path: Path, found: Report) -> None:
    from handlers.report_plot import draw

    if draw(path, found):
        typer.echo(f"wrote {path}", err=True)
    else:
        typer.echo("no plot: matplotlib is not installed", err=True)
