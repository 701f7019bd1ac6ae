"""Parakeet-TDT: windows of audio in, words out."""

import threading
from collections.abc import Callable, Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineFailed
from core.ports import SAMPLE_RATE_HZ
from core.transcript import Word
from core.words import words_from
from infra import nemo

MIN_SAMPLES = SAMPLE_RATE_HZ // 10
"""A tenth of a second, about one encoder frame. NeMo takes less, down to nothing, and hears silence in it."""


class ParakeetRecognizer:
    """One model on one device, loaded at the first call. Threads may share it: they take turns.

    Args:
        name_or_path: a name on the Hugging Face hub, or the path of a `.nemo` file.
        device: auto takes CUDA where there is one.
        load: how the model gets into memory.
    """

    def __init__(
        self,
        name_or_path: str,
        device: nemo.Device = "auto",
        *,
        load: Callable[[str, nemo.Device], nemo.Transducer] = nemo.load,
    ) -> None:
        self._name_or_path = name_or_path
        self._device = device
        self._load = load
        self._lock = threading.Lock()
        self._transducer: nemo.Transducer | None = None

    @property
    def model(self) -> str:
        """Name of the model: as on the hub, or that of the file without its folder and its ending."""
        path = PurePath(self._name_or_path)
        return path.stem if path.suffix == ".nemo" else self._name_or_path

    def load(self) -> None:
        """Import NeMo (10 s) and load the model now; nothing happens when that is done.

        Raises:
            EngineFailed: engine_model_unavailable, engine_out_of_memory or engine_failed.
        """
        with self._lock:
            self._ready()

    def recognize(self, windows: Sequence[NDArray[np.float32]]) -> list[list[Word]]:
        """Words of each window, with times from the window's own start.

        Shapes: each window [samples] at 16 kHz in [-1, 1], lengths may differ; one list of words per window.

        Raises:
            ValueError: a window is not one-dimensional, not float32, not finite, or shorter than 0.1 s.
            EngineFailed: engine_model_unavailable, engine_out_of_memory, engine_bad_result or engine_failed.
        """
        for index, window in enumerate(windows):
            _check(index, window)
        if not windows:
            return []
        with self._lock:
            transducer = self._ready()
            heard = transducer.tokens(windows)
        if len(heard) != len(windows):
            message = f"{self.model} gave {len(heard)} results, expected {len(windows)}"
            raise EngineFailed(message, code="engine_bad_result", deterministic=True)
        return [
            words_from(tokens, transducer.frame_s, len(window) / SAMPLE_RATE_HZ)
            for tokens, window in zip(heard, windows, strict=True)
        ]

    def _ready(self) -> nemo.Transducer:
        if self._transducer is None:
            self._transducer = self._load(self._name_or_path, self._device)
        return self._transducer


def _check(index: int, window: NDArray[np.float32]) -> None:
    found = None
    if window.ndim != 1:
        found = f"has the shape {window.shape}, expected one dimension"
    elif window.dtype != np.float32:
        found = f"holds {window.dtype}, expected float32"
    elif len(window) < MIN_SAMPLES:
        found = f"holds {len(window)} samples, expected at least {MIN_SAMPLES}"
    elif not np.isfinite(window).all():
        found = f"holds {np.count_nonzero(~np.isfinite(window))} samples that are not finite, expected none"
    if found:
        raise ValueError(f"window {index} {found}")
