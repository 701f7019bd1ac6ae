"""Figures with what they must reach, as lines of text and as JSON."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a figure must reach."""

    value: float
    is_most: bool = False

    def holds(self, value: float) -> bool:
        """Whether a figure reaches it."""
        return value <= self.value if self.is_most else value >= self.value

    def __str__(self) -> str:
        return f"{'at most' if self.is_most else 'at least'} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure: a median, and what it was made of.

    Args:
        name: what was measured.
        value: the median.
        unit: of the value.
        low: the least of the rounds.
        high: the most of the rounds.
        bound: what it must reach; None for a figure that stands for itself.
        details: what else was read in the same rounds.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    bound: Bound | None = None
    details: Details = field(default_factory=dict)

    @property
    def passed(self) -> bool | None:
        """Whether the bound holds; None without one."""
        return self.bound.holds(self.value) if self.bound else None

    def __str__(self) -> str:
        spread = f" ({self.low:,.2f} to {self.high:,.2f})" if self.high > self.low else ""
        verdict = f"; {self.bound}: {'PASS' if self.passed else 'FAIL'}" if self.bound else ""
        more = "".join(f"\n    {name}: {shown(value)}" for name, value in self.details.items())
        return f"{self.name}: {self.value:,.2f} {self.unit}{spread}{verdict}{more}"


def figure(
    name: str, values: Sequence[float], unit: str, bound: Bound | None = None, details: Details | None = None
) -> Figure:
    """A figure out of one value per round."""
    return Figure(name, statistics.median(values), unit, min(values), max(values), bound, details or {})


def shown(value: object) -> str:
    """A value as a person reads it."""
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(item)}" for key, item in value.items())
    return str(value)


class Report:
    """Collects what a run found; each step is printed and written at once, so that a crash loses nothing.

    Args:
        about: machine, versions, date and command.
        out: where the lines go.
        path: the JSON file; None for none.
    """

    def __init__(self, about: Details, out: TextIO, path: Path | None) -> None:
        self._about = dict(about)
        self._out = out
        self._path = path
        self._figures: list[Figure] = []
        self._failures: dict[str, str] = {}
        self._say("\n".join(f"{name}: {shown(value)}" for name, value in self._about.items()) + "\n")
        self._write()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """So far."""
        return tuple(self._figures)

    @property
    def failures(self) -> Mapping[str, str]:
        """Steps that gave no figure, and why."""
        return dict(self._failures)

    def add(self, *figures: Figure) -> None:
        """Take figures of a step."""
        for one in figures:
            self._figures.append(one)
            self._say(str(one))
        self._write()

    def fail(self, step: str, reason: str) -> None:
        """A step gave nothing."""
        self._failures[step] = reason
        self._say(f"{step}: no figure: {reason}")
        self._write()

    def body(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "about": self._about,
            "figures": [{**asdict(one), "passed": one.passed} for one in self._figures],
            "failures": self._failures,
        }

    def _say(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()

    def _write(self) -> None:
        if self._path is None:
            return
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self.body(), indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._path)
