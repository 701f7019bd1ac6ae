"""How loud audio is, in frames of 20 ms."""

import numpy as np
from numpy.typing import NDArray

from core.ports import SAMPLE_RATE_HZ

FRAME = SAMPLE_RATE_HZ // 50
"""Samples in a frame: short enough to see the pause between two words."""

FULL_SCALE = 32768.0
_SILENCE_DB = -120.0


def frame_powers(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """Mean square of every whole frame about its own mean, so that an offset is not taken for sound.

    All sums are of whole numbers below 2^53, so the same samples give the same bits wherever they lie.

    Shapes: [samples] -> [samples // FRAME], in squares of int16 steps.
    """
    whole = len(samples) // FRAME * FRAME
    frames = samples[:whole].reshape(-1, FRAME).astype(np.float64)
    means = frames.mean(axis=1)
    squares = np.einsum("ij,ij->i", frames, frames) / FRAME
    powers: NDArray[np.float64] = np.maximum(squares - means * means, 0.0)
    return powers


def decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Levels below full scale (dBFS); digital silence is -120 dB."""
    least = FULL_SCALE**2 * 10 ** (_SILENCE_DB / 10)
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, least) / FULL_SCALE**2)
    return levels
