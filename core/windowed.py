"""An engine out of a speech model that hears short windows: cut, hear in batches, shift, stitch."""

from collections.abc import Iterator, Sequence
from itertools import islice

from core.audio import AudioInfo, AudioSource, check_duration
from core.errors import EngineFailed
from core.ports import AudioReader, Recognizer
from core.stitch import Heard, stitch
from core.transcript import Transcript, Word
from core.windows import Window, WindowSpec, cut


class WindowedEngine:
    """Hears files of any length with one batch of windows in memory.

    Args:
        reader: decodes the audio.
        recognizer: the speech model.
        spec: how the audio is cut.
        batch_size: windows that the model hears at once.

    Raises:
        ValueError: a batch size below 1.
    """

    def __init__(
        self, reader: AudioReader, recognizer: Recognizer, spec: WindowSpec, batch_size: int
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}, expected at least 1")
        self._reader = reader
        self._recognizer = recognizer
        self._spec = spec
        self._batch_size = batch_size

    @property
    def name(self) -> str:
        """Always parakeet."""
        return "parakeet"

    @property
    def model(self) -> str:
        """Name of the speech model."""
        return self._recognizer.model

    def transcribe(self, source: AudioSource, info: AudioInfo) -> Transcript:  # noqa: ARG002 - the header's word; the decode tells the truth
        """Hear the whole file; its duration is that of the decoded audio, its language what the object says.

        Raises:
            EngineFailed: the model failed, or gave other than one result per window.
            OutOfLimits: nothing to hear was decoded.
            Rejected, Retryable, ObjectNotFound: as the reader raises them.
        """
        heard = list(self._hear(source))
        if not heard:
            check_duration(source.object.uri, 0.0)
        language = source.object.metadata.get("language") or "en"
        return Transcript(stitch(heard), heard[-1].end_s, self.name, self.model, language)

    def _hear(self, source: AudioSource) -> Iterator[Heard]:
        windows = cut(self._reader.samples(source), self._spec)
        while batch := self._hear_batch(windows):
            yield from batch

    def _hear_batch(self, windows: Iterator[Window]) -> list[Heard]:
        """Its own function, so that a batch is gone before the next one is cut."""
        batch = list(islice(windows, self._batch_size))
        if not batch:
            return []
        results = self._recognizer.recognize([window.samples for window in batch])
        if len(results) != len(batch):
            raise EngineFailed(
                f"{self.model} gave {len(results)} results for {len(batch)} windows from "
                f"{batch[0].start_s:g} s on, expected one for each",
                code="engine_bad_result",
                deterministic=True,
            )
        return [_placed(window, words) for window, words in zip(batch, results, strict=True)]


def _placed(window: Window, words: Sequence[Word]) -> Heard:
    return Heard(window.start_s, window.end_s, tuple(word.shifted(window.start_s) for word in words))
