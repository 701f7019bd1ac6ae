"""The plan of memory against what a device takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.memory import Dimensions, Footprint
from core.ports import SAMPLE_RATE_HZ, Recognizer


def planned_against_measured(
    recognizer: Recognizer, shapes: Sequence[tuple[int, float]]
) -> list[dict[str, Any]]:
    """For each (windows, seconds): bytes of 0.6B in bf16 by the formula, and the device's peak.

    Without a CUDA device nothing is measured, and the list holds the plan alone. Batches beyond the
    limits are left out.
    """
    import torch

    found = []
    limits = recognizer.ready()
    for windows, length_s in shapes:
        if windows > limits.most_of(limits.size_of(length_s)):
            continue  # larger than CUDA graphs were captured for, or than fits
        row: dict[str, Any] = {
            "windows": windows,
            "length_s": length_s,
            "eager_bytes": Footprint.of(Dimensions(), "bf16", "eager").bytes_of(windows, length_s),
            "sdpa_bytes": Footprint.of(Dimensions(), "bf16", "sdpa").bytes_of(windows, length_s),
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
