"""What asking Deepgram costs, counted as it happens: what it surely charges for, and what it may.

An answer with a status of success is charged for, whatever it holds. A refusal is not. Where no answer came
to what had been sent, nobody here can know: Deepgram goes on with what it has received and lets nothing be
cancelled (its staff in github.com/orgs/deepgram/discussions/320, 2023), and 502 and 504 are words of a
gateway, behind which the work may go on. Deepgram documents no rule for these; they are counted apart.
"""

import json
from dataclasses import dataclass
from typing import Any

from core.billing import Usage

_LONGEST_S = 1e6


@dataclass(slots=True)
class Tally:
    """Counts for one file, or for one clip of it.

    Args:
        audio_s: what one answer is charged with, where it does not say so itself.
    """

    audio_s: float
    requests: int = 0
    repeats: int = 0
    billed_s: float = 0.0
    maybe_billed_s: float = 0.0
    kept_s: float = 0.0

    def asked(self) -> None:
        """A request is about to be sent."""
        self.requests += 1
        if self.billed_s or self.maybe_billed_s or self.kept_s:
            self.repeats += 1

    def answered(self, raw: bytes) -> None:
        """An answer came."""
        self.billed_s += self._charged_s(raw)

    def unanswered(self) -> None:
        """Whether Deepgram has done the work will never be known."""
        self.maybe_billed_s += self.audio_s

    def kept(self, raw: bytes) -> None:
        """An earlier attempt paid for this answer."""
        self.kept_s += self._charged_s(raw)

    def usage(self, model: str, heard_s: float, waited_s: float) -> Usage:
        """For the bill."""
        return Usage(
            "deepgram",
            model,
            heard_s=heard_s,
            active_s=waited_s,
            billed_s=self.billed_s,
            requests=self.requests,
            maybe_billed_s=self.maybe_billed_s,
            kept_s=self.kept_s,
            repeats=self.repeats,
        )

    def _charged_s(self, raw: bytes) -> float:
        """The duration that the answer states, right or wrong: it is what its sender has counted."""
        try:
            stated: Any = json.loads(raw)["metadata"]["duration"]
        except (ValueError, KeyError, TypeError):
            return self.audio_s
        is_number = isinstance(stated, int | float) and not isinstance(stated, bool)
        return float(stated) if is_number and 0 < stated < _LONGEST_S else self.audio_s
