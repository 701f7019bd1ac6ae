"""The engine under test, put together as production does it, with a recognizer that is watched."""

from dataclasses import dataclass

from core.scheduler import Scheduler
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from handlers.bench.watching import Notes, WatchedRecognizer
from infra.audio import PyAvReader
from infra.clock import SystemClock
from infra.engine_options import EngineOptions
from infra.parakeet import ParakeetRecognizer


@dataclass(frozen=True, slots=True)
class Built:
    """An engine and its parts."""

    engine: WindowedEngine
    recognizer: WatchedRecognizer
    scheduler: Scheduler
    reader: PyAvReader
    notes: Notes
    spec: WindowSpec


def build(model: str, options: EngineOptions, spec: WindowSpec) -> Built:
    """The engine, not loaded yet."""
    notes = Notes()
    recognizer = WatchedRecognizer(ParakeetRecognizer(model, options), notes)
    scheduler = Scheduler(recognizer, SystemClock())
    reader = PyAvReader()
    engine = WindowedEngine(reader, scheduler, spec, recognizer.model)
    return Built(engine, recognizer, scheduler, reader, notes, spec)
