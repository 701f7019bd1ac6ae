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

from core.errors import EngineFailed
from core.transcript import Word, text_of
from core.words import Token
from infra.nemo import Device
from infra.parakeet import ParakeetRecognizer

WINDOW = np.zeros(16_000, np.float32)


@dataclass
class Fixed:
    """A transducer that hears the same in each window."""

    heard: list[Token]
    short_by: int = 0
    frame_s: float = 0.08

    def tokens(self, windows: Sequence[NDArray[np.float32]]) -> list[list[Token]]:
        return [self.heard for _ in windows][self.short_by :]


@dataclass
class Lonely(Fixed):
    """Notes whether a second thread came in while a first one was still inside."""

    door: threading.Barrier = field(default_factory=lambda: threading.Barrier(2, timeout=0.2))
    met: list[str] = field(default_factory=list)

    def wait(self, where: str) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            self.door.wait()
            self.met.append(where)

    def tokens(self, windows: Sequence[NDArray[np.float32]]) -> list[list[Token]]:
        self.wait("in the model")
        return super().tokens(windows)


def recognizer(transducer: Fixed, loads: list[tuple[str, Device]] | None = None) -> ParakeetRecognizer:
    def load(name_or_path: str, device: Device) -> Fixed:
        if loads is not None:
            loads.append((name_or_path, device))
        return transducer

    return ParakeetRecognizer("folder/some-model.nemo", "cpu", load=load)


def test_importing_the_recognizer_imports_neither_torch_nor_nemo() -> None:
    check = (
        "import sys, infra.parakeet; sys.exit(any(m.split('.')[0] in ('torch', 'nemo') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_each_window_gets_its_words_from_its_own_start() -> None:
    heard = recognizer(Fixed([Token("▁go", 5, 2, 0.5)])).recognize([WINDOW, WINDOW])
    assert heard == [[Word("go", 0.4, 0.56, 0.5)]] * 2


def test_words_are_clipped_to_their_own_window() -> None:
    short, _ = recognizer(Fixed([Token("▁go", 5, 4)])).recognize([WINDOW[:8000], WINDOW])
    assert short[0].end_s == 0.5


def test_no_windows_load_no_model() -> None:
    loads: list[tuple[str, Device]] = []
    assert recognizer(Fixed([]), loads).recognize([]) == []
    assert loads == []


def test_threads_load_the_model_once_and_take_turns() -> None:
    transducer, loads = Lonely([Token("▁go", 5, 2)]), []

    def load(name_or_path: str, device: Device) -> Lonely:
        loads.append(name_or_path)
        transducer.wait("while loading")
        transducer.door.reset()
        return transducer

    shared = ParakeetRecognizer("some-model", load=load)
    with ThreadPoolExecutor(2) as pool:
        heard = list(pool.map(lambda _: shared.recognize([WINDOW]), range(2)))
    assert [text_of(words) for [words] in heard] == ["go", "go"]
    assert loads == ["some-model"]
    assert transducer.met == []


@pytest.mark.parametrize(
    ("window", "found"),
    [
        (np.zeros((2, 16_000), np.float32), r"window 0 has the shape \(2, 16000\), expected one dimension"),
        (np.zeros(16_000), "window 0 holds float64, expected float32"),
        (np.zeros(1_599, np.float32), "window 0 holds 1599 samples, expected at least 1600"),
        (np.zeros(0, np.float32), "window 0 holds 0 samples"),
        (np.full(16_000, np.nan, np.float32), "16000 samples that are not finite"),
        (np.full(16_000, np.inf, np.float32), "16000 samples that are not finite"),
    ],
)
def test_a_window_that_is_no_audio_is_refused_with_what_was_found(
    window: NDArray[np.float32], found: str
) -> None:
    with pytest.raises(ValueError, match=found):
        recognizer(Fixed([])).recognize([window])


def test_a_result_that_is_missing_from_the_batch_is_an_error_and_not_silence() -> None:
    with pytest.raises(EngineFailed, match="gave 2 results, expected 3") as caught:
        recognizer(Fixed([], short_by=1)).recognize([WINDOW] * 3)
    assert caught.value.code == "engine_bad_result"


def test_the_model_has_the_name_of_the_hub_or_of_its_file() -> None:
    assert ParakeetRecognizer("nvidia/parakeet-tdt-0.6b-v2").model == "nvidia/parakeet-tdt-0.6b-v2"
    assert ParakeetRecognizer("/models/parakeet-tdt-tiny.nemo").model == "parakeet-tdt-tiny"
