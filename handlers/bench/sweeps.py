"""rtfx against the length of windows, the size of batches and the number of files in flight."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from handlers.bench.on_our_own import ours
from handlers.bench.options import Options
from handlers.bench.report import Figure, figure
from handlers.bench.sides import Remote, in_turns
from handlers.bench.sounds import long_file, short_files

WINDOWS_S = (10, 15, 20, 30, 40, 60, 90, 120)
BATCHES = (1, 2, 4, 8, 16, 32)
IN_FLIGHT = (1, 2, 4, 8, 16)
Point = tuple[str, Mapping[str, Any], Mapping[str, float]]
"""What is varied, as text; options of the engine; how it cuts."""


def window_lengths(options: Options, folder: Path) -> list[Figure]:
    """One file, cut into windows of several lengths, 4 s of overlap included."""
    points: list[Point] = [
        (f"{length_s} s", {"sizes_s": sizes_for(length_s)}, spec_for(length_s))
        for length_s in _few(options, WINDOWS_S)
    ]
    return _by_point(options, "windows of", points, _path(options, folder))


def batch_sizes(options: Options, folder: Path) -> list[Figure]:
    """One file, with at most so many windows in a batch."""
    points: list[Point] = [(str(count), {"batch_size": count}, {}) for count in _few(options, BATCHES)]
    return _by_point(options, "batches of at most", points, _path(options, folder))


def files_in_flight(options: Options, folder: Path) -> list[Figure]:
    """Short files, so many of them in the engine at a time."""
    paths = [str(sound.path) for sound in short_files(folder, 4 if options.is_quick else 16)]
    counts = [count for count in IN_FLIGHT if count <= len(paths)]
    with ours(options) as side:
        columns = in_turns(options.rounds, *(_groups(side, paths, count) for count in counts))
    return [
        figure(f"files in flight: {count}", rtfx, "rtfx", details={"files": len(paths)})
        for count, rtfx in zip(counts, columns, strict=True)
    ]


def sizes_for(length_s: float) -> tuple[float, ...]:
    """Lengths to which windows of at most this length are padded."""
    return tuple(round(length_s * share, 2) for share in (0.25, 0.5, 0.75, 1.0))


def spec_for(length_s: float) -> dict[str, float]:
    """How the engine cuts into windows of at most this length."""
    return {"length_s": float(length_s), "overlap_s": 4.0, "search_s": min(6.0, length_s / 4)}


def _by_point(options: Options, name: str, points: Sequence[Point], path: str) -> list[Figure]:
    return [_point(options, f"{name} {text}", engine, spec, path) for text, engine, spec in points]


def _point(
    options: Options, name: str, engine: Mapping[str, Any], spec: Mapping[str, float], path: str
) -> Figure:
    with ours(options, spec=spec, **engine) as side:
        (answers,) = in_turns(options.rounds, lambda: side.call("hear", paths=[path]))
    last = answers[-1]
    details = {key: last[key] for key in ("batches", "fill", "padding", "busy_share", "peak_bytes")}
    return figure(name, [answer["rtfx"] for answer in answers], "rtfx", details=details)


def _groups(side: Remote, paths: Sequence[str], count: int) -> Callable[[], float]:
    """All files, so many at a time; the rtfx of them all."""

    def run() -> float:
        answers = [
            side.call("hear", paths=paths[start : start + count], together=True)
            for start in range(0, len(paths), count)
        ]
        return float(sum(one["audio_s"] for one in answers) / sum(one["wall_s"] for one in answers))

    return run


def _path(options: Options, folder: Path) -> str:
    return str(long_file(folder, 120.0 if options.is_quick else 1200.0).path)


def _few(options: Options, values: Sequence[int]) -> Sequence[int]:
    return values[::3] if options.is_quick else values
