"""`klipscribe bench`: what this machine reaches, and how that compares."""

# ruff: noqa: FBT002 - typer reads flags from signatures

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measure this machine, and compare with NeMo's own way.")


class RunsOn(StrEnum):
    """Where the model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


Model = Annotated[str, typer.Option(help="A path, or random:0.6b, or random:tiny.", metavar="MODEL")]
Device = Annotated[RunsOn, typer.Option(help="Where the model runs.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on stdout; the lines then go to stderr.")]
Quick = Annotated[bool, typer.Option("--quick", help="Short audio: shows that all works, measures little.")]
Out = Annotated[Path | None, typer.Option(file_okay=False, help="A folder for JSON and plots.")]
Only = Annotated[list[str] | None, typer.Option(help="Run this step only; may be repeated.")]


@app.callback()
def bench() -> None:
    """Measure this machine, and compare with NeMo's own way."""


@app.command()
def engine(  # noqa: PLR0913, PLR0917 - options of a command
    model: Model = "",
    device: Device = RunsOn.auto,
    json: Json = False,
    quick: Quick = False,
    out: Out = None,
    only: Only = None,
) -> None:
    """From a file to its words, against NeMo; memory, overhead, errors; sweeps with plots."""
    _run("engine", model, device, as_json=json, is_quick=quick, out=out, only=only)


@app.command()
def decode(
    json: Json = False,
    quick: Quick = False,
    out: Out = None,
) -> None:
    """From a file to samples, by format and by threads."""
    _run("decode", "", RunsOn.cpu, as_json=json, is_quick=quick, out=out, only=None)


@app.command()
def coldstart(
    model: Model = "random:0.6b",
    json: Json = False,
    quick: Quick = False,
    out: Out = None,
) -> None:
    """Loading a model, prepared and not."""
    _run("coldstart", model, RunsOn.cpu, as_json=json, is_quick=quick, out=out, only=None)


@app.command()
def gpu(  # noqa: PLR0913, PLR0917 - options of a command
    model: Model = "random:0.6b",
    device: Device = RunsOn.auto,
    json: Json = False,
    quick: Quick = False,
    out: Out = None,
    only: Only = None,
) -> None:
    """All that needs a CUDA device, in 8 minutes."""
    _run("gpu", model, device, as_json=json, is_quick=quick, out=out, only=only)


def _run(  # noqa: PLR0913 - what the commands were given
    name: str,
    model: str,
    device: RunsOn,
    *,
    as_json: bool,
    is_quick: bool,
    out: Path | None,
    only: list[str] | None,
) -> None:
    from handlers.bench.options import Options
    from handlers.bench.runs import run

    options = Options(model or Options().model, device.value, is_quick, out)
    run(name, options, as_json=as_json, only=only or ())
