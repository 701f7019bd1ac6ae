import contextlib
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from core.batching import Limits
from core.errors import EngineFailed
from core.transcript import Word, text_of
from infra.calibration import Loaded
from infra.engine_options import EngineOptions
from infra.parakeet import ParakeetRecognizer
from infra.staging import Staged, Windows
from infra.transducer import Tokens
from tests.hearing import hear

WINDOW = np.zeros(16_000, np.int16)
LIMITS = Limits((10.0,), (4,))
Heard = Sequence[tuple[int, int, int, float]]
"""Id, frame, duration and confidence of each token."""


@dataclass
class Fixed:
    """A transducer that hears the same in each window."""

    heard: Heard
    short_by: int = 0
    pieces: tuple[str, ...] = ("▁go", "ing", "▁no")
    frame_s: float = 0.08
    staged: list[int] = field(default_factory=list)

    def stage(self, windows: Windows) -> Staged:
        self.staged.append(len(windows))
        return Staged(windows, len(windows))

    def hear(self, staged: Staged) -> Tokens:
        rows = staged.lengths - self.short_by
        columns = zip(*(list(self.heard) * rows), strict=True) if self.heard else ([],) * 4
        counts = np.full(rows, len(self.heard))
        ids, frames, durations, confidences = (np.array(column) for column in columns)
        return Tokens(counts, ids, frames, durations, confidences)


def recognizer(transducer: Fixed, loads: list[str] | None = None) -> ParakeetRecognizer:
    def load(name_or_path: str, options: EngineOptions) -> Loaded:
        if loads is not None:
            loads.append(name_or_path)
        return Loaded(transducer, LIMITS)

    return ParakeetRecognizer("folder/some-model.nemo", load=load)


def test_importing_the_recognizer_imports_neither_torch_nor_nemo() -> None:
    check = (
        "import sys, infra.parakeet; sys.exit(any(m.split('.')[0] in ('torch', 'nemo') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_each_window_gets_its_words_from_its_own_start() -> None:
    heard = hear(recognizer(Fixed([(0, 5, 2, 0.5), (1, 7, 1, 0.75)])), [WINDOW, WINDOW])
    assert heard == [[Word("going", 0.4, 0.64, 0.5)]] * 2


def test_windows_with_different_counts_of_tokens_get_their_own() -> None:
    class Uneven(Fixed):
        def hear(self, staged: Staged) -> Tokens:
            columns = (np.array([0, 2, 1]), np.array([1, 3, 4]), np.array([1, 1, 1]), np.ones(3, np.float32))
            return Tokens(np.array([1, 0, 2]), *columns)

    first, second, third = hear(recognizer(Uneven([])), [WINDOW] * 3)
    assert [text_of(words) for words in (first, second, third)] == ["go", "", "noing"]


def test_words_are_clipped_to_their_own_window() -> None:
    short, _ = hear(recognizer(Fixed([(0, 5, 4, 1.0)])), [WINDOW[:8000], WINDOW])
    assert short[0].end_s == 0.5


def test_ready_loads_once_and_tells_the_limits() -> None:
    loads: list[str] = []
    model = recognizer(Fixed([]), loads)
    assert model.ready() == model.ready() == LIMITS
    hear(model, [WINDOW])
    assert loads == ["folder/some-model.nemo"]


def test_threads_load_the_model_once() -> None:
    door, loads = threading.Barrier(2, timeout=0.2), []

    def load(name_or_path: str, options: EngineOptions) -> Loaded:
        loads.append(name_or_path)
        with contextlib.suppress(threading.BrokenBarrierError):
            door.wait()
        return Loaded(Fixed([(0, 5, 2, 1.0)]), LIMITS)

    shared = ParakeetRecognizer("some-model", load=load)
    with ThreadPoolExecutor(2) as pool:
        heard = list(pool.map(lambda _: hear(shared, [WINDOW]), range(2)))
    assert [text_of(words) for [words] in heard] == ["go", "go"]
    assert loads == ["some-model"]


@pytest.mark.parametrize(
    ("window", "found"),
    [
        (np.zeros((2, 16_000), np.int16), r"window 1 has the shape \(2, 16000\), expected one dimension"),
        (np.zeros(16_000, np.float32), "window 1 holds float32, expected int16"),
        (np.zeros(1_599, np.int16), "window 1 holds 1599 samples, expected at least 1600"),
        (np.zeros(0, np.int16), "window 1 holds 0 samples"),
    ],
)
def test_a_window_that_is_no_audio_is_refused_with_what_was_found(
    window: NDArray[np.int16], found: str
) -> None:
    transducer = Fixed([])
    with pytest.raises(ValueError, match=found):
        recognizer(transducer).prepare([WINDOW, window])
    assert transducer.staged == []


def test_no_windows_are_no_batch() -> None:
    with pytest.raises(ValueError, match="there are 0 windows"):
        recognizer(Fixed([])).prepare([])


def test_a_result_that_is_missing_from_the_batch_is_an_error_and_not_silence() -> None:
    with pytest.raises(EngineFailed, match="gave 2 results, expected 3") as caught:
        hear(recognizer(Fixed([], short_by=1)), [WINDOW] * 3)
    assert caught.value.code == "engine_bad_result"
    assert caught.value.deterministic


def test_the_model_has_the_name_of_the_hub_or_of_its_file() -> None:
    assert ParakeetRecognizer("nvidia/parakeet-tdt-0.6b-v2").model == "nvidia/parakeet-tdt-0.6b-v2"
    assert ParakeetRecognizer("/models/parakeet-tdt-tiny.nemo").model == "parakeet-tdt-tiny"
