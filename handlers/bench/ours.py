"""Our side: the engine in this process."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.transcript import Transcript, Word
from core.wer import compare
from core.windows import WindowSpec
from handlers.bench import utilisation
from handlers.bench.building import Built, build
from handlers.bench.machine import now_bytes, peak_bytes
from handlers.bench.memory import planned_against_measured
from handlers.bench.overhead import overhead
from handlers.bench.sounds import source_of
from infra.engine_options import EngineOptions

Answer = dict[str, Any]


class Ours:
    """The engine, loaded.

    Args:
        model: path or name.
        options: of infra.engine_options.EngineOptions, by name.
        spec: of core.windows.WindowSpec, by name.
    """

    def __init__(
        self, model: str, options: Mapping[str, Any], spec: Mapping[str, float] | None = None
    ) -> None:
        self._model = model
        self._options = EngineOptions(**{**options, **_sizes(options)})
        begun_s = time.perf_counter()
        self._built = build(model, self._options, WindowSpec(**(spec or {})))
        limits = self._built.recognizer.ready()
        self._loading = {
            "load_s": time.perf_counter() - begun_s,
            "memory_bytes": now_bytes(),
            "sizes_s": limits.sizes_s,
            "most": limits.most,
            "workers": limits.workers,
        }

    def loading(self) -> Answer:
        """How the engine was loaded, and its limits."""
        return {**self._loading, **device()}

    def hear(self, paths: Sequence[str], *, together: bool = False, watches_device: bool = False) -> Answer:
        """Hear files, all at once in threads or one after the other, with the figures of these alone."""
        if not watches_device:
            return self._hear(paths, together=together)
        with utilisation.watched() as readings:
            answer = self._hear(paths, together=together)
        if readings:
            answer["utilisation_percent"] = sum(readings) / len(readings)
        return answer

    def _hear(self, paths: Sequence[str], *, together: bool) -> Answer:
        built = self._built
        before = built.engine.scheduler.stats
        begun_s = time.perf_counter()
        heard = _heard(built, [Path(path) for path in paths], together=together)
        wall_s = time.perf_counter() - begun_s
        after = built.engine.scheduler.stats
        room, padded_s = after.room - before.room, after.padded_s - before.padded_s
        audio_s = sum(transcript.duration_s for transcript in heard)
        return {
            "wall_s": wall_s,
            "audio_s": audio_s,
            "rtfx": audio_s / wall_s,
            "words": sum(len(transcript.words) for transcript in heard),
            "gaps": sum(len(transcript.gaps) for transcript in heard),
            "batches": after.batches - before.batches,
            "busy_share": (after.busy_s - before.busy_s) / wall_s,
            "fill": (after.windows - before.windows) / room if room else 0.0,
            "padding": 1 - (after.audio_s - before.audio_s) / padded_s if padded_s else 0.0,
            "peak_bytes": peak_bytes(),
            **device(),
        }

    def overhead(self, path: str) -> Answer:
        """One file through the engine and, once more, its batches through the bare model."""
        return overhead(self._built, Path(path))

    def memory(self, shapes: Sequence[tuple[int, float]]) -> list[Answer]:
        """Planned and measured bytes on the device of batches of so many windows of so many seconds."""
        return planned_against_measured(self._built.recognizer, shapes)

    def accuracy(self, path: str, words: Sequence[tuple[str, float, float]]) -> Answer:
        """Word errors and errors of time of one file."""
        heard = _heard(self._built, [Path(path)], together=False)[0]
        found = compare([Word(*word) for word in words], heard.words)
        return {
            "words": len(words),
            "wer": found.errors.rate,
            "start_error_s": found.start_error_s,
            "end_error_s": found.end_error_s,
            "gaps": len(heard.gaps),
        }


def device() -> Answer:
    """Name and peak memory of the CUDA device; nothing without one."""
    import torch

    if not torch.cuda.is_available():
        return {}
    return {
        "device": torch.cuda.get_device_name(),
        "device_peak_bytes": torch.cuda.max_memory_allocated(),
    }


def _heard(built: Built, paths: Sequence[Path], *, together: bool) -> list[Transcript]:
    def hear(number: int) -> Transcript:
        source = source_of(paths[number], f"{number}-{paths[number].name}")
        return built.engine.transcribe(source, built.reader.probe(source))

    run: Callable[..., Any] = map
    if not together:
        return list(run(hear, range(len(paths))))
    with ThreadPoolExecutor(len(paths)) as pool:
        return list(pool.map(hear, range(len(paths))))


def _sizes(options: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has lists only."""
    return {"sizes_s": tuple(options["sizes_s"])} if "sizes_s" in options else {}
