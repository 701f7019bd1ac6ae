"""Parakeet-TDT: windows of audio in, words out, in three stages."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from core.batching import Limits
from core.errors import EngineFailed
from core.ports import SAMPLE_RATE_HZ
from core.transcript import Word
from core.words import Token, words_from
from infra import models
from infra.calibration import Loaded, load
from infra.engine_options import EngineOptions
from infra.staging import Staged
from infra.transducer import Tokens, Transducer

MIN_SAMPLES = SAMPLE_RATE_HZ // 10
"""A tenth of a second, about one encoder frame. NeMo takes less, down to nothing, and hears silence in it."""

Load = Callable[[str, EngineOptions], Loaded]


class ParakeetRecognizer:
    """One model on one device, loaded at the first call. Threads may share it.

    Args:
        name_or_path: a name on the Hugging Face hub, or the path of a `.nemo` file.
        options: how the model is run.
        load: how the model gets onto its device, and how much it can hear there.
    """

    def __init__(self, name_or_path: str, options: EngineOptions | None = None, *, load: Load = load) -> None:
        self._name_or_path = name_or_path
        self._options = options or EngineOptions()
        self._load = load
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None

    @property
    def model(self) -> str:
        """Name of the model: as on the hub, or of the file or the folder; loading tells what is wrong."""
        try:
            return models.name_of(self._name_or_path)
        except EngineFailed:
            return PurePath(self._name_or_path).name

    def ready(self) -> Limits:
        """Import NeMo (10 s) and load the model unless that is done; how much it can hear at once.

        Raises:
            EngineFailed: engine_model_unavailable, engine_out_of_memory or engine_failed.
            EngineLost: the device does not answer.
        """
        return self._ready().limits

    def prepare(self, windows: Sequence[NDArray[np.int16]]) -> "ParakeetBatch":
        """Check, pad and copy windows to the device.

        Shapes: each window [samples] at 16 kHz, lengths may differ.

        Raises:
            ValueError: no window, or one that is not one-dimensional int16, or shorter than 0.1 s.
            EngineFailed, EngineLost: as ready.
        """
        if not windows:
            raise ValueError("there are 0 windows, expected at least one")
        for index, window in enumerate(windows):
            _check(index, window)
        transducer = self._ready().transducer
        durations_s = tuple(len(window) / SAMPLE_RATE_HZ for window in windows)
        return ParakeetBatch(self.model, transducer, transducer.stage(windows), durations_s)

    def _ready(self) -> Loaded:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load(self._name_or_path, self._options)
            return self._loaded


@dataclass(frozen=True, slots=True, eq=False)
class ParakeetBatch:
    """Windows on the device."""

    model: str
    transducer: Transducer
    staged: Staged
    durations_s: tuple[float, ...]

    def run(self) -> "HeardByParakeet":
        """Let the model hear it; returns when the results are in host memory.

        Raises:
            EngineFailed: engine_out_of_memory or engine_failed.
            EngineLost: the device is gone for this process.
        """
        return HeardByParakeet(
            self.model,
            self.transducer.hear(self.staged),
            self.transducer.pieces,
            self.transducer.frame_s,
            self.durations_s,
        )


@dataclass(frozen=True, slots=True, eq=False)
class HeardByParakeet:
    """Tokens in host memory."""

    model: str
    tokens: Tokens
    pieces: tuple[str, ...]
    frame_s: float
    durations_s: tuple[float, ...]

    def words(self) -> list[list[Word]]:
        """Words of each window, with times from the window's own start.

        Raises:
            EngineFailed: engine_bad_result: there are not as many results as windows.
        """
        counts = self.tokens.counts.tolist()
        if len(counts) != len(self.durations_s):
            message = f"{self.model} gave {len(counts)} results, expected {len(self.durations_s)}"
            raise EngineFailed(message, code="engine_bad_result", deterministic=True)
        tokens = map(
            Token,
            map(self.pieces.__getitem__, self.tokens.ids.tolist()),
            self.tokens.frames.tolist(),
            self.tokens.durations.tolist(),
            self.tokens.confidences.tolist(),
        )
        return [
            words_from([next(tokens) for _ in range(count)], self.frame_s, duration_s)
            for count, duration_s in zip(counts, self.durations_s, strict=True)
        ]


def _check(index: int, window: NDArray[np.int16]) -> None:
    found = None
    if window.ndim != 1:
        found = f"has the shape {window.shape}, expected one dimension"
    elif window.dtype != np.int16:
        found = f"holds {window.dtype}, expected int16"
    elif len(window) < MIN_SAMPLES:
        found = f"holds {len(window)} samples, expected at least {MIN_SAMPLES}"
    if found:
        raise ValueError(f"window {index} {found}")
