"""`klipscribe route`: what would become of a file, and why."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from core.audio import AudioObject, check_duration
from core.decision import Row, decision_table
from core.errors import KlipscribeError, NoRoute, NoRouteNow, Rejected
from core.jobs import Job
from core.routing import EngineFacts, FileFacts, Route, RoutingPolicy, choose_route, plain
from handlers.arguments import object_name
from infra import settings as environment
from infra.settings import Settings, SettingsError

NONE_LEFT = 1
WRONG_USAGE = 2

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)

_NUMBER = r"\d+(?:\.\d+)?"
_SECONDS = re.compile(_NUMBER)
_PARTS = re.compile(rf"(?:({_NUMBER})h)?(?:({_NUMBER})m(?:in)?)?(?:({_NUMBER})s)?")
_HOURS_AND_MINUTES = re.compile(r"(\d+)h([0-5]?\d)")


class GpuState(StrEnum):
    """How the GPU is supposed to be."""

    yes = "yes"
    no = "no"
    cold = "cold"


_FACTS: dict[GpuState, EngineFacts] = {
    GpuState.yes: EngineFacts(gpu="ready"),
    GpuState.no: EngineFacts(gpu="unavailable"),
    GpuState.cold: EngineFacts(gpu="cold"),
}


def route(  # noqa: PLR0913, PLR0917 - options of a command
    audio: Annotated[str, typer.Argument(metavar="FILE|DURATION", help="A file, or 90m, 2h30, 5400.")],
    gpu: Annotated[GpuState, typer.Option(help="Whether there is a GPU; cold has to be woken.")] = (
        GpuState.yes
    ),
    queue: Annotated[float, typer.Option(help="Seconds of work ahead on the GPU.", min=0)] = 0.0,
    video_id: Annotated[str, typer.Option(help="The video, for the rollout.")] = "",
    language: Annotated[str, typer.Option(help="The language of the audio, such as de.")] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Show what each rule took away.")] = False,  # noqa: FBT002 - typer's way
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,  # noqa: FBT002 - as above
) -> None:
    """Say which engine would transcribe a file with the settings of the environment, and why."""
    try:
        settings = environment.load()
    except SettingsError as error:
        raise _refused(str(error), WRONG_USAGE) from error
    try:
        duration_s = _duration_s(audio, settings)
    except KlipscribeError as error:
        raise _refused(str(error), NONE_LEFT) from error
    file = FileFacts(audio, video_id or _video_id(audio), duration_s, language)
    _decide(file, _facts(settings, gpu, queue), settings.routing_policy(), explain=explain, as_json=as_json)


def seconds_of(text: str) -> float | None:
    """Seconds of a duration such as 90m, 2h30, 1h5m, 45s or 5400; None when it is none."""
    text = text.strip().lower().replace(" ", "")
    if _SECONDS.fullmatch(text):
        return float(text)
    if clock := _HOURS_AND_MINUTES.fullmatch(text):
        return int(clock[1]) * 3600.0 + int(clock[2]) * 60.0
    parts = _PARTS.fullmatch(text)
    if not text or parts is None:
        return None
    hours, minutes, seconds = (float(part or 0) for part in parts.groups())
    return hours * 3600 + minutes * 60 + seconds


def _duration_s(audio: str, settings: Settings) -> float:
    """Of the file, or of the duration that is named instead. Raises Rejected, Retryable."""
    path = Path(audio)
    if path.is_file():
        return _probed_s(path, settings)
    seconds = seconds_of(audio)
    if seconds is None:
        raise _refused(f"{audio!r} is neither a file nor a duration such as 90m, 2h30 or 5400", WRONG_USAGE)
    check_duration(audio, seconds)
    return seconds


def _probed_s(path: Path, settings: Settings) -> float:
    from core.transcription import Intake
    from infra.audio import PyAvReader
    from infra.clock import SystemClock
    from infra.local.memory import MemoryStore

    store = MemoryStore(SystemClock())
    stored = store.link(settings.audio_bucket, object_name(path), path, {})
    audio = AudioObject(stored.bucket, stored.name, stored.generation, stored.size_bytes)
    try:
        _, info = Intake(store=store, reader=PyAvReader(), max_bytes=settings.max_file_bytes).examine(
            Job(audio)
        )
    except Rejected as error:
        raise _refused(str(error).replace(audio.uri, str(path)), NONE_LEFT) from error
    return info.duration_s


def _video_id(audio: str) -> str:
    try:
        return AudioObject("", audio, 0).video_id
    except Rejected:
        return audio


def _facts(settings: Settings, gpu: GpuState, queue_s: float) -> EngineFacts:
    known = _FACTS[gpu]
    return replace(
        known,
        queue_s=queue_s,
        parakeet_rtfx=settings.gpu_rtfx or known.parakeet_rtfx,
        cpu_rtfx=settings.cpu_rtfx or known.cpu_rtfx,
        deepgram_available=settings.deepgram_available,
    )


def _decide(
    file: FileFacts, engines: EngineFacts, policy: RoutingPolicy, *, explain: bool, as_json: bool
) -> None:
    found: Route | None = None
    refusal = ""
    try:
        found = choose_route(file, engines, policy)
    except (NoRoute, NoRouteNow) as error:
        refusal = str(error)
    table = decision_table(file, engines, policy) if explain else ()
    if as_json:
        out.print(json.dumps(_as_json(file, found, refusal, table)), soft_wrap=True)
    else:
        _show(found, table)
    if not found:
        raise _refused(refusal, NONE_LEFT)


def _as_json(file: FileFacts, found: Route | None, refusal: str, table: Sequence[Row]) -> dict[str, Any]:
    decided: dict[str, Any] = {"method": None, "message": refusal}
    if found:
        decided = {
            "method": found.method,
            "predicted_s": found.predicted_s,
            "predicted_cost_usd": found.predicted_cost_usd,
            "reasons": plain(found.reasons),
        }
    rows = {"table": [row.to_json() for row in table]} if table else {}
    return {"audio_s": file.duration_s, **decided, **rows}


def _show(found: Route | None, table: Sequence[Row]) -> None:
    if found:
        out.print(f"{found.method}: {_time(found.predicted_s)}, {found.predicted_cost_usd:.4f} USD predicted")
        for reason in found.reasons:
            out.print(f"  {reason.sentence} [{reason.code}]")
    if table:
        out.print(_drawn(table), soft_wrap=False)
    for row in table:
        if row.reason:
            out.print(f"  not {row.method}: {row.reason.sentence} [{row.reason.code}]")


def _drawn(table: Sequence[Row]) -> Table:
    drawn = Table("method", "predicted", "USD", "with waiting", "taken away by")
    for row in table:
        drawn.add_row(
            row.method,
            _time(row.prediction.seconds),
            f"{row.prediction.usd:.4f}",
            f"{row.score_usd:.4f}",
            row.rule or f"none: choice {row.place}",
        )
    return drawn


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {rest:02} s"
    return f"{rest} s" if rest else "under 1 s"


def _refused(message: str, code: int) -> typer.Exit:
    err.print(f"error: {message}")
    return typer.Exit(code)
