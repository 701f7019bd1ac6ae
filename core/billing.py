"""What engines did for one attempt at a job: measured by them, priced by core.cost."""

from dataclasses import dataclass
from typing import Literal

Runner = Literal["parakeet", "parakeet_cpu", "deepgram"]
"""Who runs and is paid: Parakeet on a GPU, Parakeet on a CPU, Deepgram."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one engine did.

    Args:
        runner: which engine.
        model: the model that it ran.
        heard_s: seconds of audio whose words it delivered; 0 when it failed.
        active_s: for Parakeet its share of the instance's time, for Deepgram the seconds that were waited.
        cold_start_s: Parakeet: seconds between the start of the instance and its first work, for who woke it.
        idle_s: Parakeet: seconds for which the instance had waited for this work, and was billed.
        billed_s: Deepgram: seconds of audio that it charges for, unusable and repeated answers included.
        requests: Deepgram: how often it was asked.
        maybe_billed_s: Deepgram: seconds of audio that it may charge for, and nobody here can know: it was
            asked, and no answer came. Beside billed_s, not part of it.
        kept_s: Deepgram: seconds whose answer an earlier attempt paid for and saved, so that this one paid
            nothing. If that attempt ended without a record of its own, this is what it paid for.
        repeats: Deepgram: requests made although the same audio had been paid for, or perhaps had.
    """

    runner: Runner
    model: str
    heard_s: float = 0.0
    active_s: float = 0.0
    cold_start_s: float = 0.0
    idle_s: float = 0.0
    billed_s: float = 0.0
    requests: int = 0
    maybe_billed_s: float = 0.0
    kept_s: float = 0.0
    repeats: int = 0


class Bill:
    """Gathers what the engines of one attempt did, failed ones too. Threads may share it."""

    def __init__(self) -> None:
        self._usages: list[Usage] = []

    def add(self, usage: Usage) -> None:
        """Add what an engine did; appending to a list is one step to other threads."""
        self._usages.append(usage)

    @property
    def usages(self) -> tuple[Usage, ...]:
        """All that was added, in order."""
        return tuple(self._usages)
