"""What the engine adds to the model's own time."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.audio import AudioInfo, AudioSource
from core.ports import Block
from core.windowed import WindowedEngine
from handlers.bench.building import Built
from handlers.bench.sounds import source_of
from handlers.bench.watching import bare_s


class ReadyReader:
    """core.ports.AudioReader over audio that was decoded before."""

    def __init__(self, blocks: list[Block], info: AudioInfo) -> None:
        self._blocks = blocks
        self._info = info

    def probe(self, source: AudioSource) -> AudioInfo:  # noqa: ARG002 - the port's own signature
        """What is known already."""
        return self._info

    def blocks(self, source: AudioSource) -> Iterator[Block]:  # noqa: ARG002 - the port's own signature
        """The blocks."""
        yield from self._blocks


def overhead(built: Built, path: Path) -> dict[str, Any]:
    """Wall times of one file, of the same file decoded before, and of its batches in the bare model.

    The bare model is prepare() before the clock starts, then run(): preprocessor, encoder and decoder on
    tensors that are ready on the device, with the same windows in the same batches, by as many workers.
    """
    source = source_of(path)
    info = built.reader.probe(source)
    ready = ReadyReader(list(built.reader.blocks(source)), info)
    with_ready = WindowedEngine(ready, built.engine.scheduler, built.spec, built.engine.model)
    decoding_s = _timed(lambda: built.engine.transcribe(source, info))
    built.notes.clear()
    built.notes.keeps = True
    ready_s = _timed(lambda: with_ready.transcribe(source, info))
    built.notes.keeps = False
    batches = list(built.notes.batches)
    built.notes.clear()
    return {
        "decoding_s": decoding_s,
        "ready_s": ready_s,
        "bare_s": bare_s(built.recognizer, batches),
        "batches": len(batches),
    }


def _timed(work: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    work()
    return time.perf_counter() - begun_s
