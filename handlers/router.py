"""The in-process entry: classes that the pipeline around us imports and awaits, over the cloud's own code.

Nothing here blocks an event loop. Files are read, decoded, transcribed and written in threads of our own,
where vendors, torch and NeMo are imported as well, when the first file needs them.
"""

from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from core.errors import KlipscribeError
from handlers.answer import Answer, Asked, answered
from handlers.call import Call
from handlers.flights import Flights
from handlers.once import once
from infra import settings as environment
from infra.settings import Settings

if TYPE_CHECKING:
    from handlers.in_process import InProcess

CALLS = 16
"""Files at a time, as many as one instance of the GPU service is given; more wait for a thread."""

File = str | PathLike[str]


class TranscriptionRouter:
    """Transcribes files of this machine with the engine that settings, file and machine call for.

    Routers of one process that have the same settings share models, threads and decoder processes.

    Args:
        api_key: for Deepgram, in the place of DEEPGRAM_API_KEY.

    Raises:
        SettingsError: the environment holds settings that can't be used.
    """

    def __init__(self, api_key: str | None = None) -> None:
        given = {"DEEPGRAM_API_KEY": api_key} if api_key else {}
        # No instance is kept for these files, whose idle time the first one would have to pay.
        self._settings = environment.load({"IDLE_TAIL_S": "0", **environment.environment(), **given})

    async def ready(self) -> None:
        """Import torch and NeMo and load the model now, if the settings would use it here.

        The first file does so otherwise, and takes that much longer.

        Raises:
            EngineFailed: the model can't be loaded.
        """
        settings = self._settings
        await _warm_ups().result(settings, lambda _: _service(settings).warm())

    async def transcribe(
        self,
        audio_file_path: File,
        video_id: str,
        output_dir: File | None = None,
        *,
        raise_on_error: bool = True,
    ) -> dict[str, Any]:
        """Transcribe one file, and write its outputs as `audio_{video_id}_words.csv` and so on.

        Args:
            audio_file_path: the file; its ending must be one of core.audio.EXTENSIONS.
            video_id: names the outputs; without slashes.
            output_dir: where they go; None for `output/Raw/Transcripts` below BASE_DIR.
            raise_on_error: False gives {"error": message, "status": "failed"} instead of an error.

        Returns:
            The paths `paragraphs_file`, `words_file`, `segments_file`, `transcript_json_file`, and
            `transcription_metadata` about the engine that really ran: `method_used` (parakeet, deepgram or
            hybrid), `model_name`, `gpu_used`, `duration_seconds` of audio, `processing_time_seconds` of the
            engine, `cost_estimate` in USD, `words_count`, and the rows of the segments' file as
            `segments_count`.

        Raises:
            Rejected: this file can never be transcribed; the code says why.
            EngineFailed: the engines that may have the file failed.
            Retryable: a later call may succeed; a disk that refuses counts as such.
        """
        return await self._result(audio_file_path, video_id, output_dir, is_raised=raise_on_error)

    async def _result(
        self, audio: File | None, video_id: str, output_dir: File | None, *, is_raised: bool
    ) -> dict[str, Any]:
        raw = Path(self._settings.base_dir).absolute() / "output" / "Raw"
        asked = Asked(
            settings=self._settings,
            video_id=str(video_id),
            audio=Path(audio).absolute() if audio else None,
            kept=raw / "Audio",
            folder=Path(output_dir).absolute() if output_dir else raw / "Transcripts",
        )
        try:
            answer = await _calls().result(asked, lambda abandoned: _answered(asked, abandoned))
        except KlipscribeError as error:
            if is_raised:
                raise
            return {"error": str(error), "status": "failed"}
        return {**answer.files, "transcription_metadata": dict(answer.metadata)}


class TranscriptionHandler(TranscriptionRouter):
    """The same under its older name, with the older order of arguments."""

    async def process_audio_files(
        self,
        video_id: str,
        audio_file_path: File | None = None,
        output_dir: File | None = None,
        *,
        raise_on_error: bool = True,
    ) -> dict[str, Any]:
        """As TranscriptionRouter.transcribe.

        Without a path the file is `output/Raw/Audio/audio_{video_id}` below BASE_DIR, with the first of
        core.audio.EXTENSIONS that is there.
        """
        return await self._result(audio_file_path, video_id, output_dir, is_raised=raise_on_error)


def release() -> None:
    """Give back models, GPU memory, threads and decoder processes; the next file gets new ones.

    To be called while nothing is transcribed. Blocks until the threads have ended.
    """
    with _making:
        services = tuple(_services.values())
        _services.clear()
    for service in services:
        service.close()


_making = Lock()
_services: "dict[Settings, InProcess]" = {}


def _service(settings: Settings) -> "InProcess":
    """The one that serves all routers with these settings."""
    # Vendors' clients take seconds to import: not in the thread that imports this module.
    from handlers.in_process import InProcess

    with _making:
        if settings not in _services:
            _services[settings] = InProcess(settings)
        return _services[settings]


@once
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(CALLS, thread_name_prefix="klipscribe")


@once
def _calls() -> Flights[Answer]:
    return Flights(_threads)


@once
def _warm_ups() -> Flights[None]:
    return Flights(_threads)


def _answered(asked: Asked, abandoned: Event) -> Answer:
    return answered(asked, lambda: _service(asked.settings), Call(abandoned))
