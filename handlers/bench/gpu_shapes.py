"""On a GPU: memory by shape against the formula, short files together, and sizes of batches."""

from typing import Any

from handlers.bench.gpu_engine import Stage
from handlers.bench.on_our_own import FILES, TOGETHER_ON_CUDA
from handlers.bench.report import Figure, figure
from handlers.bench.sides import SideFailed
from handlers.bench.sounds import short_files

SHAPES = ((1, 30.0), (8, 30.0), (32, 30.0), (32, 40.0), (64, 40.0))
QUICK_SHAPES = ((1, 10.0), (2, 20.0))
BATCHES = (64, 32, 128, 16, 8)
"""In the order of what they tell, should the time end."""


def memory(stage: Stage) -> list[Figure]:
    """Bytes that batches take beyond the weights, against the formula for the real architecture."""
    shapes = QUICK_SHAPES if stage.options.is_quick else SHAPES
    with stage.ours() as side:
        rows = side.call("memory", shapes=shapes)
    return [_row(row) for row in rows]


def together(stage: Stage) -> list[Figure]:
    """Short files from as many threads, against one after the other."""
    files = short_files(stage.folder, 4 if stage.options.is_quick else FILES)
    paths = [str(sound.path) for sound in files]
    with stage.ours() as side:
        side.call("hear", paths=paths, together=True)
        pairs = [
            (side.call("hear", paths=paths, together=True), side.call("hear", paths=paths))
            for _ in range(stage.options.rounds)
        ]
    return [
        figure(
            f"{len(paths)} files of 20 to 40 s together, speed against one after the other",
            [alone["wall_s"] / at_once["wall_s"] for at_once, alone in pairs],
            "times",
            TOGETHER_ON_CUDA if stage.device == "cuda" else None,
            {
                "rtfx together": [at_once["rtfx"] for at_once, _ in pairs],
                "rtfx in turn": [alone["rtfx"] for _, alone in pairs],
            },
        )
    ]


def by_batch_size(stage: Stage) -> list[Figure]:
    """End to end, with at most so many windows in a batch; as many of the sizes as the time allows."""
    found: list[Figure] = []
    for count in BATCHES[:2] if stage.options.is_quick else BATCHES:
        try:
            found.append(_batches_of(stage, count))
        except SideFailed as error:
            stage.complain(f"batches of at most {count}", str(error))
            if stage.left_s < 1:
                break
    return found


def _batches_of(stage: Stage, count: int) -> Figure:
    paths = stage.paths()[:4]
    with stage.ours(batch_size=count) as side:
        side.call("hear", paths=paths[:2], together=True)
        answer = side.call("hear", paths=paths, together=True)
    details = {key: answer[key] for key in ("fill", "busy_share")}
    return figure(f"batches of at most {count}", [answer["rtfx"]], "rtfx", details=details)


def _row(row: dict[str, Any]) -> Figure:
    name = f"memory of a batch of {row['windows']} windows of {row['length_s']:g} s"
    details = {
        "formula for 0.6B in bf16, eager and fused attention, MB": (
            row["eager_bytes"] / 1e6,
            row["sdpa_bytes"] / 1e6,
        )
    }
    measured = row.get("measured_bytes")
    if measured is None:
        return figure(f"{name}, planned only: no CUDA device", [row["sdpa_bytes"] / 1e6], "MB")
    return figure(name, [measured / 1e6], "MB", details=details)
