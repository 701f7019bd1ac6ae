"""The plan of memory against what a device takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.ports import SAMPLE_RATE_HZ, Recognizer

FORMULA_BYTES = (3.31e6, 113.3, 65.3, 17.7e3)
"""Of Parakeet-TDT 0.6B in bf16: of a second in the subsampling; of a pair of frames in attention, eager and
fused; of a frame. Counted on the model's sequence of operations; core/memory.py has the same for any shape."""


def formula_bytes(windows: int, length_s: float, *, fused: bool, split: int = 1) -> float:
    """Bytes of a batch beyond the weights, by the formula."""
    second, eager, sdpa, frame = FORMULA_BYTES
    frames = 12.5 * length_s
    attention = (sdpa if fused else eager) * frames**2 + frame * frames
    return windows * max(second * length_s / split, attention)


def planned_against_measured(
    recognizer: Recognizer, shapes: Sequence[tuple[int, float]]
) -> list[dict[str, Any]]:
    """For each (windows, seconds): bytes by the formula, and the most that the device took beyond its rest.

    Without a CUDA device nothing is measured, and the list holds the plan alone.
    """
    import torch

    found = []
    for windows, length_s in shapes:
        row: dict[str, Any] = {
            "windows": windows,
            "length_s": length_s,
            "formula_eager_bytes": formula_bytes(windows, length_s, fused=False),
            "formula_sdpa_bytes": formula_bytes(windows, length_s, fused=True),
        }
        if torch.cuda.is_available():
            torch.cuda.synchronize()
            rest = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            _run(recognizer, windows, length_s)
            row["measured_bytes"] = torch.cuda.max_memory_allocated() - rest
        else:
            _run(recognizer, windows, length_s)
        found.append(row)
    return found


def _run(recognizer: Recognizer, windows: int, length_s: float) -> None:
    noise = np.random.default_rng(1).integers(-3000, 3000, round(length_s * SAMPLE_RATE_HZ)).astype(np.int16)
    recognizer.prepare([noise] * windows).run()
