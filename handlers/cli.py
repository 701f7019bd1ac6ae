"""The command line. Progress and errors go to stderr, results to stdout.

Exit codes: 0 all good, 1 a file failed or a server did not start, 2 wrong usage or settings, 130 interrupted.
"""

import shlex
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from core.errors import KlipscribeError
from handlers import bench_commands, config_commands, model_commands, report_commands, route_commands
from handlers.arguments import LeadsOutside, check_outputs, check_video_id, ready_folder
from infra import settings as environment
from infra.local.processes import StartFailed
from infra.local.samples import TINY_MODEL
from infra.settings import Settings, SettingsError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
app.add_typer(model_commands.app, name="model")
app.add_typer(bench_commands.app, name="bench")
app.command()(config_commands.config)
app.command()(route_commands.route)
app.command("report")(report_commands.command)
out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

A_FILE_FAILED = 1
WRONG_USAGE = 2

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True, help="Audio files.")]
VideoId = Annotated[str | None, typer.Option(help="The video that the audio belongs to; one file only.")]


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
    format: Annotated[Format, typer.Option(help="What to print on stdout.")] = Format.text,
    output_dir: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write all six outputs of each file here too.")
    ] = None,
    video_id: VideoId = None,
    model: Annotated[str, typer.Option(help="A name on the Hugging Face hub, or a .nemo file.")] = "",
) -> None:
    """Transcribe files on this machine, without any cloud."""
    check_video_id(video_id, files)
    if output_dir:
        check_outputs(files, video_id)
        ready_folder(output_dir)

    from handlers.local_run import LocalRun
    from handlers.printing import print_outputs, write_outputs

    run = LocalRun(_local_settings(model))
    failed, loading = False, True
    for path in files:
        try:
            with err.status(f"transcribing {escape(path.name)}"):
                result = run.transcribe(path, video_id or "")
            if result.error:
                failed = _complain(run.about(path, result.error))
                continue
            err.print(_summary(path, result.body, loading=loading))
            loading = False
            if output_dir:
                write_outputs(result, output_dir, err)
            print_outputs(result, format.value)
        except BrokenPipeError:
            raise  # who reads the results has left: no file is to blame
        except (KlipscribeError, LeadsOutside, OSError) as error:
            failed = _complain(run.about(path, str(error)))
    raise typer.Exit(A_FILE_FAILED if failed else 0)


@app.command()
def up() -> None:
    """Run the local cloud until Ctrl-C, and print the variables with which clients reach it."""
    from handlers.demo import running_cloud

    with _unwinding(), _start_reported(), running_cloud(err) as cloud:
        for name, value in cloud.exports.items():
            typer.echo(f"export {name}={shlex.quote(value)}")
        err.print(f"Parakeet runs {cloud.model}")
        err.print(f"logs in {cloud.processes.directory} while it runs; Ctrl-C ends it")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


@app.command()
def upload(
    files: Files,
    video_id: VideoId = None,
    wait: Annotated[bool, typer.Option(help="Wait for the outcome of each file.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for all outcomes together.", min=1)] = 3600,
) -> None:
    """Put files into the audio bucket, local or real, as the environment says."""
    check_video_id(video_id, files)
    check_outputs(files, video_id)

    from handlers.uploads import UploadRequest, upload_files

    request = UploadRequest(files, video_id or "", timeout if wait else None)
    settings = _settings()
    try:
        failed = upload_files(settings, request, out, err)
    except SettingsError as error:
        raise _wrong_settings(error) from error
    except KlipscribeError as error:
        failed = _complain(str(error))
    raise typer.Exit(A_FILE_FAILED if failed else 0)


@app.command()
def demo() -> None:
    """Watch the sample recordings go through the whole chain on this machine."""
    from handlers.demo import run_demo

    with _unwinding(), _start_reported():
        right = run_demo(Console(highlight=False, soft_wrap=True), err)
    raise typer.Exit(0 if right else A_FILE_FAILED)


@contextmanager
def _unwinding() -> Iterator[None]:
    """Let the end of a terminal or of a job unwind as Ctrl-C does, so that no server is left behind."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _start_reported() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        raise _wrong_settings(error) from error
    except StartFailed as error:
        _complain(str(error))
        raise typer.Exit(A_FILE_FAILED) from error


def _settings(**changes: str) -> Settings:
    try:
        return environment.load({**environment.environment(), **changes})
    except SettingsError as error:
        raise _wrong_settings(error) from error


def _wrong_settings(error: SettingsError) -> typer.Exit:
    _complain(str(error))
    return typer.Exit(WRONG_USAGE)


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
        # Nobody bills this machine by the second.
        COST_THRESHOLD_PER_HOUR="1000",
        IDLE_TAIL_S="0",
    )


def _complain(message: str) -> bool:
    err.print(f"error: {message}")
    return True


def _summary(path: Path, body: Mapping[str, Any], *, loading: bool) -> str:
    return (
        f"{path.name}: {body['audio_s']:.1f} s of audio, {body['words_count']} words, "
        f"{body['engine']} with {body['model']}, {body['rtfx']} times real time"
        f"{', with the loading of the model' if loading else ''}"
    )


if __name__ == "__main__":
    app()
