"""A speech model that hears what it is told to, and remembers what it was given."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from core.transcript import Word

Samples = NDArray[np.float32]


class FakeRecognizer:
    """Hears each window by a function of its samples; keeps the sizes of the batches."""

    def __init__(self, hear: Callable[[Samples], list[Word]], model: str = "fake-model") -> None:
        self._hear, self._model = hear, model
        self.batches: list[list[int]] = []

    @property
    def model(self) -> str:
        return self._model

    def recognize(self, windows: Sequence[Samples]) -> list[list[Word]]:
        self.batches.append([len(window) for window in windows])
        return [self._hear(window) for window in windows]


class ForgetfulRecognizer(FakeRecognizer):
    """Loses the last result of every batch."""

    def recognize(self, windows: Sequence[Samples]) -> list[list[Word]]:
        return super().recognize(windows)[:-1]
