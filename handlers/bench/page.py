"""The page about figures, out of the JSON files of runs: no number gets there by hand."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from handlers.bench.report import Bound, shown

HEAD = """# Benchmarks

`make bench`, or `klipscribe bench engine|decode|coldstart|gpu`, measures all of it again;
`python -m handlers.bench page --out {folder}` writes this page out of the JSON files in `{folder}/`.
Sides that are compared take turns in one run, each in its own process, with the same number of threads. A
figure is the median of its rounds, with the least and the most in brackets; one round before these warms up.
Peak memory is that of the whole process: interpreter, torch, NeMo, model and buffers.

On a CPU ours runs one batch on each core; NeMo runs one batch on all of them. Ours lets the C library keep
what is freed (`infra/machine.py`), which is a part of its speed and of its memory; NeMo's process is left as
it comes.

The audio is put together from the project's own recordings. `random:` models have the real architecture and
random weights: they are for speed and memory, and know no words.
"""


def write(folder: Path) -> Path:
    """Write the page beside the folder; where it is."""
    path = folder.with_suffix(".md")
    runs = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    plots = [f"![{file.stem}]({folder.name}/{file.name})" for file in sorted(folder.glob("*.png"))]
    head = HEAD.format(folder=folder.as_posix())
    path.write_text("\n".join([head, *map(section, runs), *plots]) + "\n", encoding="utf-8")
    return path


def section(run: Mapping[str, Any]) -> str:
    """A run: its command, its machine, a table, and what each figure was made of."""
    about = run["about"]
    lines = [f"## `{about['command']}`", ""]
    lines += [f"{name}: {shown(about[name])}  " for name in about if name != "command"]
    lines += ["", "| measured | figure | must reach | |", "|---|---|---|---|", *map(_row, run["figures"]), ""]
    lines += [f"- no figure for {name}: {reason}" for name, reason in run["failures"].items()]
    lines += [_details(one) for one in run["figures"] if one["details"]]
    return "\n".join(lines) + "\n"


def _row(one: Mapping[str, Any]) -> str:
    spread = f" ({shown(one['low'])} to {shown(one['high'])})" if one["high"] > one["low"] else ""
    bound = str(Bound(**one["bound"])) if one["bound"] else ""
    verdict = {True: "reached", False: "**not reached**", None: ""}[one["passed"]]
    return f"| {one['name']} | {shown(one['value'])} {one['unit']}{spread} | {bound} | {verdict} |"


def _details(one: Mapping[str, Any]) -> str:
    parts = "; ".join(f"{name}: {shown(value)}" for name, value in one["details"].items())
    return f"- {one['name']}: {parts}"
