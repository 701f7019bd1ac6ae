"""A reader and an engine that know the answer beforehand, and fail when told to."""

from collections.abc import Callable, Iterator

import numpy as np

from core.audio import AudioInfo, AudioSource
from core.billing import Bill, Runner, Usage
from core.ports import SAMPLE_RATE_HZ, Block
from core.transcript import Gap, Transcript, Word
from tests.fakes.clock import FakeClock

WORDS = (
    Word("Hello", 0.5, 0.9, 0.99),
    Word("there.", 1.0, 1.4, 0.98),
    Word("Goodbye.", 3.0, 3.5, 0.97),
)


class FakeReader:
    """core.ports.AudioReader: every object that can be opened is `duration_s` seconds of silence.

    `failures` are raised one by one by the next probes.
    """

    def __init__(self, duration_s: float = 60.0, sample_rate_hz: int = 8_000) -> None:
        self.duration_s = duration_s
        self.sample_rate_hz = sample_rate_hz
        self.failures: list[Exception] = []

    def probe(self, source: AudioSource) -> AudioInfo:
        if self.failures:
            raise self.failures.pop(0)
        with source.open():
            return AudioInfo(self.duration_s, self.sample_rate_hz, 1, "mp3")

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        with source.open():
            for _ in range(int(self.duration_s)):
                yield Block(np.zeros(SAMPLE_RATE_HZ, np.int16))


class FakeEngine:
    """core.ports.Engine: takes `takes_s` seconds to hear the same words in every file.

    `failures` are raised one by one by the next calls, `meanwhile` is called while the engine works, and
    `heard` counts the calls.
    """

    def __init__(self, name: str, clock: FakeClock, takes_s: float = 2.0) -> None:
        self._name = name
        self._clock = clock
        self.takes_s = takes_s
        self.heard = 0
        self.gaps: tuple[Gap, ...] = ()
        self.failures: list[Exception] = []
        self.meanwhile: Callable[[], object] = lambda: None

    @property
    def name(self) -> str:
        return self._name

    @property
    def model(self) -> str:
        return f"{self._name}-fake"

    @property
    def runner(self) -> Runner:
        return "deepgram" if self._name == "deepgram" else "parakeet"

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        self.heard += 1
        self.meanwhile()
        self._clock.advance(self.takes_s)
        heard_s = 0.0 if self.failures else info.duration_s
        billed_s = heard_s if self.runner == "deepgram" else 0.0
        bill.add(Usage(self.runner, self.model, heard_s=heard_s, active_s=self.takes_s, billed_s=billed_s))
        if self.failures:
            raise self.failures.pop(0)
        with source.open():
            return Transcript(WORDS, info.duration_s, self.name, self.model, gaps=self.gaps)
