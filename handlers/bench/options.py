"""What a run is asked for."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.local.samples import TINY_MODEL

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Options:
    """The choices of a run.

    Args:
        model: path of a model, or a name such as random:0.6b.
        device: where it runs.
        is_quick: short audio and few rounds: shows that all works, and measures little.
        folder: where results and plots are written; None for nowhere.
        budget_s: of `bench gpu`.
    """

    model: str = str(TINY_MODEL)
    device: Device = "auto"
    is_quick: bool = False
    folder: Path | None = None
    budget_s: float = 480.0

    @property
    def rounds(self) -> int:
        """How often each side has its turn, after one turn that warms up."""
        return 1 if self.is_quick else 3

    @property
    def threads(self) -> int:
        """The same for both sides: one for each core that this process may use."""
        return len(os.sched_getaffinity(0))
