"""The command line. Progress and errors go to stderr, results to stdout.

Exit codes: 0 all good, 1 a file failed, 2 wrong usage or settings.
"""

import signal
import threading
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from core.errors import KlipscribeError
from infra import settings as environment
from infra.local.samples import TINY_MODEL
from infra.settings import Settings, SettingsError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
err = Console(stderr=True, highlight=False)

A_FILE_FAILED = 1
WRONG_USAGE = 2

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Audio files.")]
VideoId = Annotated[str, typer.Option(help="The video that the audio belongs to; one file only.")]


class Format(StrEnum):
    """What `transcribe` prints."""

    text = "text"
    json = "json"
    srt = "srt"
    vtt = "vtt"
    words = "words"
    paragraphs = "paragraphs"
    segments = "segments"


@app.callback()
def klipscribe() -> None:
    """Turn audio into transcripts: on this machine, or through a bucket."""


@app.command()
def transcribe(
    files: Files,
    format: Annotated[Format, typer.Option(help="What to print.")] = Format.text,
    output_dir: Annotated[Path | None, typer.Option(file_okay=False, help="Write all outputs here.")] = None,
    video_id: VideoId = "",
    model: Annotated[str, typer.Option(help="A name on the Hugging Face hub, or a .nemo file.")] = "",
) -> None:
    """Transcribe files on this machine, without any cloud."""
    from handlers.local_run import LocalRun
    from handlers.printing import print_outputs, write_outputs

    _one_file_for_one_id(files, video_id)
    run = LocalRun(_local_settings(model))
    failed = False
    for path in files:
        try:
            with err.status(f"transcribing {path.name}"):
                result = run.transcribe(path, video_id)
        except KlipscribeError as error:
            failed = _complain(str(error))
            continue
        if result.error:
            failed = _complain(result.error)
            continue
        err.print(_summary(path, result.body))
        if output_dir:
            write_outputs(result, output_dir, err)
        print_outputs(result, format.value)
    raise typer.Exit(A_FILE_FAILED if failed else 0)


@app.command()
def up() -> None:
    """Run the local cloud until Ctrl-C, and print the variables with which clients reach it."""
    from handlers.demo import running_cloud

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with running_cloud(err) as cloud:
        for name, value in cloud.exports.items():
            typer.echo(f"export {name}={value}")
        err.print(f"Parakeet runs {cloud.model}", soft_wrap=True)
        err.print(f"logs in {cloud.processes.directory}; Ctrl-C ends it", soft_wrap=True)
        ended.wait()


@app.command()
def upload(
    files: Files,
    video_id: VideoId = "",
    wait: Annotated[bool, typer.Option(help="Wait for the outcome of each file.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.", min=1)] = 3600,
) -> None:
    """Put files into the audio bucket, local or real, as the environment says."""
    from handlers.uploads import upload_files

    _one_file_for_one_id(files, video_id)
    failed = upload_files(_settings(), files, video_id, wait_s=timeout if wait else None, console=err)
    raise typer.Exit(A_FILE_FAILED if failed else 0)


@app.command()
def demo() -> None:
    """Watch the sample recordings go through the whole chain on this machine."""
    from handlers.demo import run_demo

    raise typer.Exit(0 if run_demo(Console(highlight=False), err) else A_FILE_FAILED)


def _one_file_for_one_id(files: list[Path], video_id: str) -> None:
    if video_id and len(files) > 1:
        raise typer.BadParameter(f"--video-id names one video, and {len(files)} files are given, expected 1")


def _settings(**changes: str) -> Settings:
    try:
        return environment.load({**environment.environment(), **changes})
    except SettingsError as error:
        err.print(f"error: {error}", markup=False)
        raise typer.Exit(WRONG_USAGE) from error


def _local_settings(model: str) -> Settings:
    chosen = model or environment.environment().get("PARAKEET_MODEL_NAME", "")
    if not chosen:
        err.print(
            "using the bundled model parakeet-tdt-tiny, which knows 50 words; "
            "--model nvidia/parakeet-tdt-0.6b-v2 takes the real one"
        )
    return _settings(
        PARAKEET_MODEL_NAME=chosen or str(TINY_MODEL),
        TRANSCRIPTION_METHOD="parakeet",
        FORCE_DEEPGRAM_TRANSCRIPTION="false",
        ALLOW_CPU_PARAKEET="true",
        MAX_TURNAROUND_S="604800",
    )


def _complain(message: str) -> bool:
    err.print(f"error: {message}", markup=False, soft_wrap=True)
    return True


def _summary(path: Path, body: Mapping[str, Any]) -> str:
    return (
        f"{path.name}: {body['audio_s']:.1f} s of audio, {body['words_count']} words, "
        f"{body['engine']} {body['model']}, {body['rtfx']} times real time"
    )


if __name__ == "__main__":
    app()
