"""Engines over real files, wired as the service wires them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.audio import AudioObject, AudioSource
from core.ports import AudioReader, Recognizer
from core.transcript import Transcript
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from handlers.engine import windowed_engine
from infra.audio import PyAvReader
from infra.clock import SystemClock
from infra.local.memory import MemoryStore


@contextmanager
def engine_over(
    recognizer: Recognizer,
    spec: WindowSpec | None = None,
    reader: AudioReader | None = None,
    queue_s: float | None = None,
) -> Iterator[WindowedEngine]:
    """An engine whose threads end with the block."""
    engine = windowed_engine(
        recognizer, spec or WindowSpec(), reader=reader or PyAvReader(), on_gpu=False, queue_s=queue_s
    )
    try:
        yield engine
    finally:
        engine.scheduler.close()


def file_source(path: Path) -> AudioSource:
    """A file of this machine as an object."""
    store = MemoryStore(SystemClock())
    about = store.link("audio", path.name, path, {})
    return AudioSource(AudioObject("audio", path.name, about.generation, about.size_bytes), store)


def hear(path: Path, recognizer: Recognizer, spec: WindowSpec | None = None) -> Transcript:
    """The way of a file through reader, windows, model, stitch and coverage."""
    source = file_source(path)
    with engine_over(recognizer, spec) as engine:
        return engine.transcribe(source, PyAvReader().probe(source))
