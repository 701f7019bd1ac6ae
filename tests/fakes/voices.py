"""Sounds of which is known whether anybody speaks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.ports import SAMPLE_RATE_HZ
from core.windows import Window

Samples = NDArray[np.int16]


def chatter(*spans_s: tuple[float, float], seconds: float) -> Samples:
    """Three syllables a second in these spans, and faint noise around them."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    loudness = np.maximum(np.sin(2 * np.pi * 3 * time_s) + 0.7, 0)
    syllables = 4_000 * loudness * np.sin(2 * np.pi * 300 * time_s)
    spoken = np.zeros(len(time_s), np.bool_)
    for start_s, end_s in spans_s:
        spoken |= (time_s >= start_s) & (time_s < end_s)
    noise = np.random.default_rng(1).normal(0, 20, len(time_s))
    return whole(np.where(spoken, syllables, 0) + noise)


def hum(frequency_hz: float, *, seconds: float) -> Samples:
    """A tone that never changes."""
    return whole(
        5_000 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * SAMPLE_RATE_HZ)) / 16_000)
    )


def noise(exponent: float, *, seconds: float) -> Samples:
    """Noise whose power falls with the frequency: 0 is white, 1 pink, 2 brown."""
    count = round(seconds * SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(count))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1) ** (-exponent / 2)
    wave = np.fft.irfft(spectrum, count)
    return whole(4_000 * wave / wave.std())


def whole(wave: NDArray[np.floating[Any]]) -> Samples:
    """In steps of int16, clipped where louder."""
    samples: Samples = np.clip(np.round(wave), -32_768, 32_767).astype(np.int16)
    return samples


def alone(samples: Samples) -> Window:
    """The only window of a file."""
    return Window(0, 0, samples, 0, len(samples))
