"""`klipscribe config`: which settings are in effect, and the page that describes them all."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra import settings as environment
from infra.settings import Settings, SettingsError, unknown_names
from infra.settings_told import Told, told

PAGE = Path("docs") / "configuration.md"
WRONG_USAGE = 2

HEAD = """# Settings

`klipscribe config --markdown` writes this page; `klipscribe config` prints the values in effect, each with
where it came from. All are environment variables. An empty one counts as unset. A value that can't be used
stops the start, with the name, the value and what was expected; a name that looks misspelt is warned of.
"""

err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def config(
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help=f"Write {PAGE} instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array.")] = False,
) -> None:
    """Print each setting: its value, where it came from, its default, its range and its meaning."""
    if markdown and as_json:
        raise typer.BadParameter("--markdown and --json are given, expected one of them")
    if markdown:
        _write(page(), PAGE)
        return
    given = environment.environment()
    try:
        rows = told(environment.load(given), given)
    except SettingsError as error:
        err.print(f"error: {error}")
        raise typer.Exit(WRONG_USAGE) from error
    for doubt in unknown_names(given):
        err.print(f"warning: {doubt}")
    typer.echo(json.dumps([asdict(row) for row in rows], indent=2) if as_json else listing(rows))


def listing(rows: Iterable[Told]) -> str:
    """The settings for a terminal."""
    lines = []
    for section, members in groupby(rows, lambda row: row.section):
        lines += ["", section]
        for row in members:
            lines += [
                f"  {row.name}={row.value}  [{row.source}]",
                f"      {row.does} Default {row.default}; expected {row.expected}.",
            ]
    return "\n".join(lines[1:])


def page() -> str:
    """The page that describes all settings; the environment plays no part."""
    parts = [HEAD]
    for section, members in groupby(told(Settings(), {}), lambda row: row.section):
        parts.append(f"## {section}\n\n{_table(tuple(members))}\n")
    return "\n".join(parts)


def _table(rows: Sequence[Told]) -> str:
    lines = ["| name | default | expected | meaning |", "|---|---|---|---|"]
    for row in rows:
        older = f" Older name: {', '.join(f'`{name}`' for name in row.aliases)}." if row.aliases else ""
        cells = (f"`{row.name}`", f"`{row.default}`", row.expected, row.does + older)
        lines.append(" | ".join(("", *(cell.replace("|", "\\|") for cell in cells), "")).strip())
    return "\n".join(lines)


def _write(text: str, path: Path) -> None:
    if not path.parent.is_dir():
        raise typer.BadParameter(
            f"there is no folder {path.parent} here, expected the root of the repository"
        )
    path.write_text(text, encoding="utf-8")
    err.print(f"wrote {path}")
