"""`klipscribe model`: what is done to a speech model before it serves."""

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from core.errors import KlipscribeError
from infra import models

app = typer.Typer(no_args_is_help=True, help="Get a speech model ready.")
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

FAILED = 1


class StoredAs(StrEnum):
    """How the encoder's weights are stored."""

    bf16 = "bf16"
    fp32 = "fp32"


@app.callback()
def model() -> None:
    """Get a speech model ready."""


@app.command()
def prepare(
    name_or_path: Annotated[
        str,
        typer.Argument(
            help="A name on the Hugging Face hub, a .nemo file, a prepared folder, or random:0.6b."
        ),
    ],
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", file_okay=False, help="New, empty, or a prepared model to replace."),
    ],
    precision: Annotated[
        StoredAs, typer.Option(help="bf16 for CUDA: half the bytes; fp32 for a CPU: no conversion at start.")
    ] = StoredAs.bf16,
) -> None:
    """Convert a model, once, to a folder from which it loads several times faster."""
    try:
        models.check_replaceable(folder)
    except OSError as error:
        raise typer.BadParameter(str(error)) from error
    began_s = time.monotonic()
    try:
        with err.status(f"reading {escape(name_or_path)}, then writing {escape(str(folder))}"):
            manifest = models.prepare(name_or_path, folder, precision.value)
    except (KlipscribeError, OSError) as error:
        err.print(f"error: {error}")
        raise typer.Exit(FAILED) from error
    size_mb = sum(stored.bytes for stored in manifest.files.values()) / 1e6
    err.print(
        f"{folder}: {manifest.name}, {manifest.precision}, {size_mb:,.0f} MB, "
        f"in {time.monotonic() - began_s:.0f} s; PARAKEET_MODEL_NAME={folder} takes it"
    )
