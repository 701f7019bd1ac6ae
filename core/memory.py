"""How much memory a batch takes on the device, and how large batches may be.

The coefficients were counted on the sequence of operations of Parakeet-TDT 0.6B (24 layers, d_model 1024,
8 heads, 256 channels in the subsampling, 128 mel features) in bf16. Small sizes on a CPU took 5 to 18 % more
than counted. The number of layers does not matter: one layer's activations are freed before the next one's
are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.batching import Limits

Precision = Literal["bf16", "fp32"]
Attention = Literal["eager", "sdpa"]
Measured = tuple[int, float, float]
"""Windows of a batch, the length to which they were padded in seconds, the bytes that it took at its peak."""

MARGIN = 1.3
"""Budget over planned bytes: room for fragments and work spaces, above the 18 % that were seen at most."""

CONV_BYTES = 3.31e6 / (256 * 128)
"""Of each second of audio, channel and feature, in bf16, at the peak of the subsampling."""

SQUARE_BYTES: dict[Attention, float] = {"eager": 113.3 / 8, "sdpa": 65.3 / 8}
"""Of each pair of frames and head, in bf16, at the peak of a layer's attention."""

LINEAR_BYTES = 17.7e3 / 1024
"""Of each frame and each of d_model's units, in bf16, at the same peak."""


@dataclass(frozen=True, slots=True)
class Dimensions:
    """What of a model's shape its memory depends on; the defaults are those of Parakeet-TDT 0.6B."""

    d_model: int = 1024
    heads: int = 8
    conv_channels: int = 256
    features: int = 128
    frames_per_s: float = 12.5


@dataclass(frozen=True, slots=True)
class Footprint:
    """The bytes that a batch takes at its peak, beyond the weights.

    `fixed + n * max(conv * s / split, square * T^2 + linear * T)`, with T = frames_per_s * s frames in each
    of n windows of s seconds, and split = min(n, chunking): the subsampling and the attention layers peak one
    after the other, never together.

    Args:
        conv_bytes: of each second, in the subsampling.
        square_bytes: of each pair of frames, in attention.
        linear_bytes: of each frame, in attention.
        frames_per_s: frames of the encoder's output in each second.
        chunking: into how many parts the subsampling splits a batch; 1 where it does not.
        fixed_bytes: of any batch, whatever its size.
    """

    conv_bytes: float
    square_bytes: float
    linear_bytes: float
    frames_per_s: float = 12.5
    chunking: int = 1
    fixed_bytes: float = 0.0

    @classmethod
    def of(
        cls,
        shape: Dimensions,
        precision: Precision = "bf16",
        attention: Attention = "eager",
        chunking: int = 1,
    ) -> "Footprint":
        """The formula's footprint of a model with full attention; fp32 takes twice the bytes of bf16."""
        width = 2 if precision == "fp32" else 1
        return cls(
            conv_bytes=width * CONV_BYTES * shape.conv_channels * shape.features,
            square_bytes=width * SQUARE_BYTES[attention] * shape.heads,
            linear_bytes=width * LINEAR_BYTES * shape.d_model,
            frames_per_s=shape.frames_per_s,
            chunking=chunking,
        )

    def bytes_of(self, windows: int, size_s: float) -> float:
        """Peak of a batch of windows that are padded to a size in seconds."""
        frames = self.frames_per_s * size_s
        conv = self.conv_bytes * size_s / min(windows, self.chunking)
        attention = self.square_bytes * frames**2 + self.linear_bytes * frames
        return self.fixed_bytes + windows * max(conv, attention)


def plan(
    footprint: Footprint, budget_bytes: float, sizes_s: Sequence[float], most_windows: int, workers: int = 1
) -> Limits:
    """The largest batches of each size that fit, with a margin, when all workers run one.

    Workers are given up before windows are: there are only as many as can each hear one window of the
    longest size. One window of each size is always allowed, though the formula may say that it does not fit:
    the device has the last word on that.

    Args:
        footprint: of the model.
        budget_bytes: what batches may take: the device's memory without the weights (1.24 GB for 0.6B in
            bf16) and the context of the process (about 0.5 GB).
        sizes_s: lengths to which windows are padded, ascending.
        most_windows: in a batch, where memory allows more.
        workers: batches that run at the same time, at most.

    Raises:
        ValueError: as Limits; most_windows below 1.
    """
    usable = budget_bytes / MARGIN
    fitting = int(usable // max(footprint.bytes_of(1, size_s) for size_s in sizes_s)) if sizes_s else 1
    workers = min(workers, max(1, fitting))
    most = tuple(_most(footprint, usable / workers, size_s, most_windows) for size_s in sizes_s)
    return Limits(tuple(sizes_s), most, workers)


def _most(footprint: Footprint, usable: float, size_s: float, most_windows: int) -> int:
    """The last count before the first that does not fit; a larger batch never takes less."""
    too_many = (n for n in range(2, most_windows + 1) if footprint.bytes_of(n, size_s) > usable)
    return next(too_many, most_windows + 1) - 1


def corrected(footprint: Footprint, measured: Sequence[Measured]) -> Footprint:
    """The footprint, fitted to what a device really took: all terms times a slope, plus fixed bytes.

    The straight line of measured over predicted bytes by least squares; with two measurements it goes through
    both. A line that falls, or starts below zero, says that the formula's shape does not hold there, and the
    largest ratio takes its place. The result is never below a measurement.

    Args:
        footprint: as the formula has it.
        measured: batches of at least two sizes, as far apart as those that will be used.
    """
    if not measured:
        return footprint
    pairs = [(footprint.bytes_of(windows, size_s), taken) for windows, size_s, taken in measured]
    slope, fixed = _line(pairs)
    fixed += max(0.0, *(taken - (fixed + slope * predicted) for predicted, taken in pairs))
    return replace(
        footprint,
        conv_bytes=slope * footprint.conv_bytes,
        square_bytes=slope * footprint.square_bytes,
        linear_bytes=slope * footprint.linear_bytes,
        fixed_bytes=slope * footprint.fixed_bytes + fixed,
    )


def _line(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Slope and height at zero of the line through points."""
    x0, y0 = (sum(axis) / len(pairs) for axis in zip(*pairs, strict=True))
    spread = sum((x - x0) ** 2 for x, _ in pairs)
    slope = sum((x - x0) * (y - y0) for x, y in pairs) / spread if spread > 0 else 0.0
    height = y0 - slope * x0
    return (slope, height) if slope > 0 and height >= 0 else (max(y / x for x, y in pairs), 0.0)
