"""What tests of the scheduler share: windows with a number in them, and a scheduler stepped by hand."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager

import numpy as np

from core.batching import Limits
from core.ports import SAMPLE_RATE_HZ
from core.scheduler import Line, Scheduler
from core.transcript import Word
from tests.fakes.clock import FakeClock
from tests.fakes.executors import SteppedPools
from tests.fakes.recognizer import FakeRecognizer, Samples, Script, Stage


def window(number: int, length_s: float = 1.0) -> Samples:
    """Silence that starts with a number."""
    samples = np.zeros(round(length_s * SAMPLE_RATE_HZ), dtype=np.int16)
    samples[0] = number
    return samples


def hear(samples: Samples) -> list[Word]:
    """One word: the number that the window starts with."""
    return [Word(str(samples[0]), 0.0, 0.1)]


def words_of(number: int) -> list[Word]:
    return hear(window(number))


def quiet(stage: str, windows: object) -> None:
    """A script in which nothing happens."""


class Bench:
    """A scheduler without threads, its model, and open lines."""

    def __init__(
        self,
        limits: Limits,
        script: Script = quiet,
        *,
        make: Callable[..., FakeRecognizer] = FakeRecognizer,
        queue_s: float = 1e6,
        assumed_rtfx: float | None = None,
    ) -> None:
        self.seen: list[tuple[str, list[int]]] = []
        self.lost: list[str] = []
        self.clock, self.pools = FakeClock(), SteppedPools()
        self._leave: dict[Line, AbstractContextManager[Line]] = {}
        self._script = script
        self.recognizer = make(hear, limits=limits, script=self._noted)
        self.scheduler = Scheduler(
            self.recognizer,
            self.clock,
            queue_s=queue_s,
            on_lost=lambda error: self.lost.append(str(error)),
            assumed_rtfx=assumed_rtfx,
            pools=self.pools,
        )

    def line(self, name: str = "job") -> Line:
        line = self.scheduler.line(name)
        opened = line.__enter__()
        self._leave[opened] = line
        return opened

    def leave(self, line: Line) -> None:
        """Close a line that is open."""
        self._leave.pop(line).__exit__(None, None, None)

    def ran(self) -> list[list[int]]:
        """Numbers of the windows of each batch that came to the model, failed ones too."""
        return [numbers for stage, numbers in self.seen if stage == "run"]

    def _noted(self, stage: Stage, windows: Sequence[Samples]) -> None:
        self.seen.append((stage, [int(samples[0]) for samples in windows]))
        self._script(stage, windows)


FOUR = Limits((1.0,), (4,))


def submitted(bench: Bench, windows: int) -> list[Future[list[Word]]]:
    line = bench.line()
    return [line.submit(window(number)) for number in range(windows)]


def raising(error: BaseException, at: Stage) -> Script:
    """A script that fails a stage's first call."""
    is_armed = True

    def script(stage: Stage, windows: object) -> None:
        nonlocal is_armed
        if stage == at and is_armed:
            is_armed = False
            raise error

    return script
