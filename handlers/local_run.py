"""One file on one machine, through the same use case as in the cloud, with memory in the cloud's place."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.audio import AudioObject
from handlers.arguments import object_name
from handlers.in_process import InProcess
from infra.audio import PyAvReader
from infra.settings import Settings


@dataclass(frozen=True, slots=True)
class Files:
    """The outputs of one file by kind, or why there are none."""

    name: str
    body: Mapping[str, Any]
    outputs: Mapping[str, bytes]
    paths: Mapping[str, str]

    @property
    def error(self) -> str:
        """What went wrong; empty when nothing did."""
        return "" if self.outputs else str(self.body["message"])


class LocalRun:
    """Transcribes files of this machine one after the other; the model stays loaded."""

    def __init__(self, settings: Settings) -> None:
        self._service = InProcess(settings, PyAvReader())

    def transcribe(self, path: Path, video_id: str = "") -> Files:
        """Run the use case on one file.

        Raises:
            KlipscribeError: the engine or the disk failed, not the file.
            OSError: the file can't be read.
        """
        video_id = video_id or AudioObject("", object_name(path), 0).video_id
        heard = self._service.transcribe(path, video_id)
        names = {file.kind: file.name for file in heard.manifest.files}
        return Files(str(path), heard.manifest.body, heard.outputs, names)

    @staticmethod
    def about(path: Path, message: str) -> str:
        """A message that names the file."""
        return message if str(path) in message else f"{path}: {message}"
