"""All figures of a GPU in one command, in 8 minutes, most wanted first.

Each step has a process of its own and a time limit. Results are in the JSON file after every step, so that a
crash or the end of the time loses only what was not begun.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from handlers.bench import cold
from handlers.bench.gpu_engine import Stage, end_to_end, switches
from handlers.bench.gpu_shapes import by_batch_size, memory, together
from handlers.bench.options import Options
from handlers.bench.report import Figure, Report
from handlers.bench.sides import SideFailed

RESERVE_S = 5.0
PREPARE_S = 90.0


@dataclass(frozen=True, slots=True)
class Step:
    """A step and the most that it may take.

    Args:
        name: for messages.
        limit_s: it is ended then.
        work: gives the figures one by one.
    """

    name: str
    limit_s: float
    work: Callable[[Stage], Sequence[Figure]]


def steps(options: Options) -> tuple[Step, ...]:
    """In the order of their worth; the limits add up to more than the budget, since few steps need theirs."""
    return (
        Step("end to end against NeMo", 150.0, end_to_end),
        Step("memory", 60.0, memory),
        Step("files together", 60.0, together),
        *(Step(f"switch {name}", limit_s, work) for name, limit_s, work in switches()),
        Step("batch sizes", 90.0, by_batch_size),
        Step("cold start", 120.0, partial(_cold, options)),
    )


def run(options: Options, folder: Path, report: Report, only: Sequence[str] = ()) -> None:
    """Take as many figures as the budget allows; of the steps named, where some are."""
    until_s = time.monotonic() + options.budget_s - RESERVE_S
    ready = _prepared(options, folder, until_s, report)
    for step in steps(options):
        if only and step.name not in only:
            continue
        left_s = until_s - time.monotonic()
        if left_s < RESERVE_S:
            report.fail(step.name, "no time was left for it")
            continue
        stage = Stage(ready, folder, min(step.limit_s, left_s), report.fail)
        try:
            report.add(*step.work(stage))
        except SideFailed as error:
            report.fail(step.name, str(error))


def _prepared(options: Options, folder: Path, until_s: float, report: Report) -> Options:
    """With a model that loads quickly, since every step loads it anew."""
    stage = Stage(options, folder, min(PREPARE_S, until_s - time.monotonic()), report.fail)
    path = folder / "model"
    precision = "bf16" if stage.device == "cuda" else "fp32"
    if stage.left_s < RESERVE_S:
        return options
    try:
        with stage.remote("cold") as side:
            side.call("prepare", model=options.model, folder=str(path), precision=precision)
    except SideFailed as error:
        report.fail("prepared model", str(error))
        return options
    return replace(options, model=str(path))


def _cold(options: Options, stage: Stage) -> list[Figure]:
    return cold.start(replace(options, is_quick=True), stage.folder, stage.left_s)
