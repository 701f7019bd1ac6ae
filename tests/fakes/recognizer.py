"""A speech model that hears what it is told to, fails where it is told to, and remembers its batches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.batching import Limits
from core.errors import Code, EngineFailed, EngineLost
from core.ports import HeardBatch, PreparedBatch
from core.transcript import Word

Samples = NDArray[np.int16]
Hear = Callable[[Samples], list[Word]]
Stage = Literal["ready", "prepare", "run", "words"]
Script = Callable[[Stage, Sequence[Samples]], None]
"""Called before each stage with the batch's windows (none for ready): it may raise, block or take notes."""

ROOMY = Limits((60.0,), (16,))


class FakeRecognizer:
    """core.ports.Recognizer: hears each window by a function of its samples.

    Args:
        hear: words of a window.
        model: its name.
        limits: what ready gives.
        script: what happens before each stage.
    """

    def __init__(
        self,
        hear: Hear,
        model: str = "fake-model",
        *,
        limits: Limits = ROOMY,
        script: Script = lambda stage, windows: None,
    ) -> None:
        self.hear, self._model, self._limits, self.script = hear, model, limits, script
        self.batches: list[list[int]] = []
        """Lengths in samples of the windows of each batch that ran to its end."""

    @property
    def model(self) -> str:
        return self._model

    def ready(self) -> Limits:
        self.script("ready", ())
        return self._limits

    def prepare(self, windows: Sequence[Samples]) -> PreparedBatch:
        self.script("prepare", windows)
        return _Prepared(self, windows)

    def words(self, windows: Sequence[Samples]) -> list[list[Word]]:
        return [self.hear(window) for window in windows]


class ForgetfulRecognizer(FakeRecognizer):
    """Loses the last result of every batch."""

    def words(self, windows: Sequence[Samples]) -> list[list[Word]]:
        return super().words(windows)[:-1]


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    by: FakeRecognizer
    windows: Sequence[Samples]

    def run(self) -> HeardBatch:
        self.by.script("run", self.windows)
        self.by.batches.append([len(window) for window in self.windows])
        return _Heard(self.by, self.windows)


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    by: FakeRecognizer
    windows: Sequence[Samples]

    def words(self) -> list[list[Word]]:
        self.by.script("words", self.windows)
        return self.by.words(self.windows)


def out_of_memory_above(most: int, at: Stage = "run") -> Script:
    """Batches of more windows do not fit."""

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == at and len(windows) > most:
            raise EngineFailed(f"{len(windows)} windows do not fit", code="engine_out_of_memory")

    return script


def poisoned(sample: int, at: Stage = "run", code: Code = "engine_failed") -> Script:
    """Batches fail that hold a window which starts with a sample."""

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == at and any(window[0] == sample for window in windows):
            raise EngineFailed("a window is poisoned", code=code)

    return script


def lost_by(sample: int, at: Stage = "run") -> Script:
    """The device is gone with the first batch that holds a window which starts with a sample, for good."""
    is_gone = False

    def script(stage: Stage, windows: Sequence[Samples]) -> None:
        nonlocal is_gone
        is_gone = is_gone or (stage == at and any(window[0] == sample for window in windows))
        if is_gone and stage != "words":
            raise EngineLost("the device does not answer")

    return script
