"""The engine under test, put together as production does it, with a recognizer that is watched."""

from dataclasses import dataclass

from core.ports import AudioReader
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from handlers.bench.watching import Notes, WatchedRecognizer
from handlers.engine import windowed_engine
from infra import machine
from infra.audio import PyAvReader
from infra.audio_processes import ProcessReader
from infra.engine_options import EngineOptions
from infra.gpu import runs_on_gpu
from infra.parakeet import ParakeetRecognizer


@dataclass(frozen=True, slots=True)
class Built:
    """An engine and its parts."""

    engine: WindowedEngine
    recognizer: WatchedRecognizer
    reader: AudioReader
    notes: Notes
    spec: WindowSpec


def build(model: str, options: EngineOptions, spec: WindowSpec) -> Built:
    """The engine, not loaded yet."""
    notes = Notes()
    recognizer = WatchedRecognizer(ParakeetRecognizer(model, options), notes)
    # As production does it beside a GPU. On a CPU, decoding is 5 % of the work.
    on_gpu = runs_on_gpu(options.device)
    reader: AudioReader = ProcessReader(machine.cores()) if on_gpu else PyAvReader()
    engine = windowed_engine(recognizer, spec, reader=reader, on_gpu=on_gpu)
    return Built(engine, recognizer, reader, notes, spec)
