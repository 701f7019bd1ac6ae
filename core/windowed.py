"""An engine out of a speech model that hears short windows: cut, hear, stitch, look for what was missed."""

from collections.abc import Callable

from core.audio import AudioInfo, AudioSource, check_duration
from core.hearing import Hearing
from core.ports import AudioReader
from core.scheduler import Scheduler
from core.transcript import Transcript
from core.windows import WindowSpec, cut


class WindowedEngine:
    """Hears files of any length; those of all threads share the model's batches.

    Args:
        reader: decodes the audio.
        scheduler: the queue in front of the model.
        spec: how the audio is cut.
        model: name of the speech model.
        on_heard: told of each file that was heard how long it is, and how long the model worked for it. That
            is the model's own time: not what the file waited for others, for the model to load, or for its
            audio to be decoded.
    """

    def __init__(
        self,
        reader: AudioReader,
        scheduler: Scheduler,
        spec: WindowSpec,
        model: str,
        on_heard: Callable[[float, float], object] = lambda audio_s, work_s: None,  # noqa: ARG005 - nobody to tell
    ) -> None:
        self.scheduler = scheduler
        self._on_heard = on_heard
        self._reader = reader
        self._spec = spec
        self._model = model

    @property
    def name(self) -> str:
        """Always parakeet."""
        return "parakeet"

    @property
    def model(self) -> str:
        """Name of the speech model."""
        return self._model

    @property
    def queue_s(self) -> float:
        """Seconds that a file which comes now waits for others, at most; 0 while no speed is known."""
        return self.scheduler.predicted_wait_s or 0.0

    def transcribe(self, source: AudioSource, info: AudioInfo) -> Transcript:
        """Hear the whole file; its duration is that of the decoded audio, its language what the object says.

        What the header says of its length goes into predictions only.

        Raises:
            EngineFailed: the model failed at a window of this file.
            EngineRestarting: the engine was lost at another file.
            OutOfLimits: nothing to hear was decoded.
            Rejected, Retryable, ObjectNotFound: as the reader raises them.
        """
        with self.scheduler.line(source.object.uri, info.duration_s) as line:
            hearing = Hearing(line)
            for window in cut(self._reader.blocks(source), self._spec):
                hearing.take(window)
            words, gaps, duration_s = hearing.finish()
            work_s = line.work_s()
        if not duration_s:
            check_duration(source.object.uri, duration_s)
        self._on_heard(duration_s, work_s)
        language = source.object.metadata.get("language") or "en"
        return Transcript(words, duration_s, self.name, self.model, language, gaps)
