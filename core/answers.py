"""A paid question about a stretch of audio, and the answer that came: kept so that none is paid for twice."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of an API; two that are equal have the same answer.

    Args:
        audio_id: AudioObject.job_id: one generation of one object, or of a clip under a name of its own.
        duration_s: seconds of audio; what two clips of one file that share a name would differ in.
        model: which model shall hear it.
        language: a BCP 47 tag.
        options: everything else that shapes the answer.
    """

    audio_id: str
    duration_s: float
    model: str
    language: str
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name for what is kept about the question: the audio's folder, then the question's own part."""
        asked = [round(self.duration_s, 3), self.model, self.language, sorted(self.options.items())]
        return f"{self.audio_id}/{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, byte for byte.

    Args:
        raw: the body.
        sent_sha256: hex digest of the audio where we sent it; None where the API fetched it.
    """

    raw: bytes = field(repr=False)
    sent_sha256: str | None = None


class Answers(Protocol):
    """Answers of an API that were paid for, kept beyond the life of the process that asked.

    All methods raise Retryable when the store can't be reached.
    """

    def find(self, question: Question) -> Answer | None:
        """The answer that an earlier attempt paid for."""
        ...

    def keep(self, question: Question, answer: Answer) -> None:
        """Keep the answer; one that is kept already stays."""
        ...

    def refuse(self, question: Question) -> None:
        """Put a kept answer that can't be used where find does not see it, and people can."""
        ...

    def note(self, question: Question) -> bool:
        """Note that the question is about to be asked.

        Returns:
            Whether such a note was there: then who wrote it ended in the midst of asking, or still asks.
        """
        ...

    def settle(self, question: Question) -> None:
        """Remove the note: what was asked has been counted."""
        ...
