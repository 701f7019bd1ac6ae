"""One call from audio to words, for tests of a recognizer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.ports import Recognizer
from core.transcript import Word

Pcm = NDArray[np.int16]


def pcm(audio: NDArray[np.float32]) -> Pcm:
    """Audio in [-1, 1] as the service carries it."""
    return np.clip(np.rint(audio * 32_768), -32_768, 32_767).astype(np.int16)


def hear(recognizer: Recognizer, windows: Sequence[Pcm]) -> list[list[Word]]:
    """The words of each window, heard as one batch."""
    return recognizer.prepare(windows).run().words()
