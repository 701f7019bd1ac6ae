"""One file over two engines at once: Parakeet hears up to a pause, Deepgram the rest; both end together."""

from collections.abc import Callable

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.clips import Clipper
from core.errors import EngineFailed, KlipscribeError, Retryable
from core.parts import Part, all_heard, divided, heard, joined, naming
from core.pauses import pauses
from core.ports import SAMPLE_RATE_HZ, Engine
from core.routes import EngineFacts, hybrid_split_s
from core.transcript import Transcript

_PASSED_ON = (EngineFailed, Retryable)
"""What one engine raises and the other may do better; anything else is the file's fault, or ours."""


class Hybrid:
    """Where one engine fails at its part, the other hears that part too. Nothing is kept unless all is heard.

    Not to be made where Deepgram may not hear a file at all.

    Args:
        parakeet: hears the first part.
        deepgram: hears the rest.
        clipper: makes the parts; its reader hears files and clips.
        facts: what is known of the engines now.
        split_s: up to where Parakeet shall hear; None for where both finish together.
        may_fall_back: whether what Parakeet failed at may move to Deepgram.
        on_moved: told the engine that failed, the part and the error when the other engine takes it over.
    """

    def __init__(  # noqa: PLR0913 - wired by keyword
        self,
        *,
        parakeet: Engine,
        deepgram: Engine,
        clipper: Clipper,
        facts: Callable[[], EngineFacts],
        split_s: float | None = None,
        may_fall_back: bool = True,
        on_moved: Callable[[str, str, KlipscribeError], object] = lambda engine, part, error: None,  # noqa: ARG005 - nobody to tell
    ) -> None:
        self._parakeet, self._deepgram = parakeet, deepgram
        self._clipper, self._facts, self._split_s = clipper, facts, split_s
        self._may_fall_back, self._on_moved = may_fall_back, on_moved

    @property
    def name(self) -> str:
        """Always hybrid; a transcript names the engine that heard all of it, where one did."""
        return "hybrid"

    @property
    def model(self) -> str:
        """Both models."""
        return f"{self._parakeet.model} + {self._deepgram.model}"

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """Hear the whole file; what both engines did is on the bill.

        Raises:
            EngineFailed, Retryable: neither engine could hear a part, which the message names. The error is
                Parakeet's, or Deepgram's where the part may not move to it.
            Rejected, ObjectNotFound: as the engines raise them.
        """
        split_s = hybrid_split_s(info.duration_s, self._facts(), self._split_s)
        cuts = self._cuts(source, split_s) if 0 < split_s < info.duration_s else []
        parts = divided(source, info, cuts, self._clipper)
        is_late = split_s <= 0

        def hear(part: Part) -> Transcript:
            to_deepgram = is_late or part.cut > 0
            return self._on_deepgram(part, bill) if to_deepgram else self._on_parakeet(part, bill)

        return self._named(parts, all_heard(parts, hear, at_once=2))

    def _cuts(self, source: AudioSource, split_s: float) -> list[int]:
        """A pause before the split; none where the audio is over by then."""
        return pauses(self._clipper.reader.blocks(source), [round(split_s * SAMPLE_RATE_HZ)])

    def _on_parakeet(self, part: Part, bill: Bill) -> Transcript:
        try:
            return heard(self._parakeet, part, bill)
        except _PASSED_ON as error:
            if not self._may_fall_back:
                raise naming(error, part) from error.__cause__
            self._move(self._parakeet, part, error)
            ours = error
        try:
            return heard(self._deepgram, part, bill)
        except _PASSED_ON as error:
            raise naming(ours, part) from error

    def _on_deepgram(self, part: Part, bill: Bill) -> Transcript:
        try:
            return heard(self._deepgram, part, bill)
        except _PASSED_ON as error:
            self._move(self._deepgram, part, error)
        try:
            return heard(self._parakeet, part, bill)
        except _PASSED_ON as error:
            raise naming(error, part) from error.__cause__

    def _move(self, engine: Engine, part: Part, error: KlipscribeError) -> None:
        part.check()
        self._on_moved(engine.name, part.name, error)

    def _named(self, parts: list[Part], transcripts: list[Transcript]) -> Transcript:
        engines = list(dict.fromkeys((each.engine, each.model) for each in transcripts))
        if len(engines) == 1:
            return joined(parts, transcripts, *engines[0])
        return joined(parts, transcripts, self.name, " + ".join(model for _, model in engines))
