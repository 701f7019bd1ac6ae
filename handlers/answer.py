"""One call of the in-process entry, in a thread: from the caller's words to files on the disk."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.audio import EXTENSIONS
from core.billing import Usage
from core.errors import OutOfLimits, Rejected, Retryable
from core.formats import output_names
from handlers.call import Call
from handlers.output_folder import place
from infra.settings import Settings

if TYPE_CHECKING:
    from handlers.in_process import Heard, InProcess

KINDS = {
    "paragraphs_file": "paragraphs",
    "words_file": "words",
    "segments_file": "segments",
    "transcript_json_file": "transcript",
}
"""What the pipeline calls the outputs that it reads; subtitles lie beside them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one caller wants; two that want the same at the same time share the work.

    Args:
        settings: of the router.
        video_id: names the outputs.
        audio: absolute, or None to look in `kept`.
        kept: where the pipeline keeps audio.
        folder: absolute; for the outputs.
    """

    settings: Settings
    video_id: str
    audio: Path | None
    kept: Path
    folder: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What one caller gets.

    Args:
        files: paths by the pipeline's names.
        metadata: of the engine that ran.
    """

    files: Mapping[str, Path]
    metadata: Mapping[str, Any]


def answered(asked: Asked, service: "Callable[[], InProcess]", call: Call) -> Answer:
    """The outcome of the file, with its outputs in their folder.

    Raises:
        KlipscribeError: there is none; see handlers.router.
        Abandoned: nobody waits any more.
    """
    _check_id(asked.video_id)
    try:
        audio = _audio(asked)
        # Ahead of the work: nobody should pay for a transcript that can't be written.
        asked.folder.mkdir(parents=True, exist_ok=True)
        heard = service().transcribe(audio, asked.video_id, call)
        if heard.error is not None:
            raise heard.error
        names: dict[str, str] = {kind: Path(name).name for kind, name in output_names(asked.video_id).items()}
        placed = place(asked.folder, {names[kind]: data for kind, data in heard.outputs.items()}, call.check)
    except OSError as error:
        where = error.filename or asked.folder
        raise Retryable(f"{where}: {error.strerror}", code="storage_unavailable") from error
    files = {key: placed[names[kind]] for key, kind in KINDS.items()}
    return Answer(files, _metadata(heard))


def _check_id(video_id: str) -> None:
    if not video_id.isprintable() or "/" in video_id or video_id in {"", ".", ".."}:
        raise OutOfLimits(
            repr(video_id),
            "the video's id",
            "no name for files",
            "one such as 2434635255",
            code="unsafe_name",
        )


def _audio(asked: Asked) -> Path:
    audio = asked.audio or _kept(asked.kept, asked.video_id)
    if audio.is_file():
        return audio
    found = "something else" if audio.exists() else "nothing"
    raise Rejected(f"{audio}: found {found}, expected an audio file", code="source_deleted")


def _kept(folder: Path, video_id: str) -> Path:
    """Where the pipeline keeps a video's audio."""
    name = f"audio_{video_id}"
    for ending in EXTENSIONS:
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    raise Rejected(
        f"no audio_file_path is given, and there is no {folder / name} with one of {' '.join(EXTENSIONS)}; "
        "expected one of both; output/Raw/Audio lies below BASE_DIR",
        code="source_deleted",
    )


def _metadata(heard: "Heard") -> dict[str, Any]:
    body = heard.manifest.body
    return {
        "method_used": _method(heard.usages) or body["engine"],
        "model_name": body["model"],
        "gpu_used": any(usage.runner == "parakeet" and usage.heard_s > 0 for usage in heard.usages),
        "duration_seconds": body["audio_s"],
        "processing_time_seconds": body["processing_s"],
        "cost_estimate": body["job_cost_usd"],
        "words_count": body["words_count"],
        "segments_count": _rows(heard.outputs["segments"]),
    }


def _method(usages: Iterable[Usage]) -> str:
    """Who heard: a part that failed, and was heard by the other engine, counts for that one."""
    heard = {
        "deepgram" if usage.runner == "deepgram" else "parakeet" for usage in usages if usage.heard_s > 0
    }
    return "hybrid" if len(heard) > 1 else "".join(heard)


def _rows(table: bytes) -> int:
    return sum(1 for _ in csv.reader(io.StringIO(table.decode()))) - 1
