"""How fast an engine hears, as learnt from finished files: a running estimate that few can mislead."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from core.throughput import weighted_median

REMEMBERED = 15
"""Files: half of them have to agree on a change before it is believed."""

TRUSTED = 3
"""Files before the estimate counts at all: the median of fewer can be any one of them."""

LEAST_AUDIO_S = 60.0
"""A shorter file says more of what every file costs than of the speed."""

MOST_WEIGHT_S = 3600.0
"""Files of an hour and more have equal voices, so that none of twelve hours decides alone."""

SLOWEST, FASTEST = 0.01, 100_000.0
"""Outside of this lies no engine but a broken clock."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One finished file.

    Args:
        rtfx: seconds of audio per second of work.
        weight_s: how much its voice counts.
    """

    rtfx: float
    weight_s: float

    @classmethod
    def of(cls, audio_s: float, work_s: float) -> "Measurement | None":
        """What a file teaches; None when that is nothing, or nonsense."""
        if not (isfinite(audio_s) and isfinite(work_s)) or audio_s < LEAST_AUDIO_S or work_s <= 0:
            return None
        rtfx = audio_s / work_s
        return cls(rtfx, min(audio_s, MOST_WEIGHT_S)) if SLOWEST <= rtfx <= FASTEST else None


@dataclass(frozen=True, slots=True)
class Speed:
    """What is known of the speed of one model on one device.

    An outlier is not thrown away but outvoted: were it the first sign of a change, the next files would
    confirm it.

    Args:
        last: the latest measurements, oldest first.
        files: how many there were in all.
    """

    last: tuple[Measurement, ...] = ()
    files: int = 0

    @property
    def rtfx(self) -> float | None:
        """The median of the latest files, weighted by their audio; None while there are too few."""
        if len(self.last) < TRUSTED:
            return None
        return weighted_median([(one.rtfx, one.weight_s) for one in self.last])

    def taught(self, measurement: Measurement) -> "Speed":
        """With one more file, and without the oldest one beyond those that are remembered."""
        return Speed((*self.last, measurement)[-REMEMBERED:], self.files + 1)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; from_json reads them back."""
        last = [{"rtfx": round(one.rtfx, 4), "weight_s": round(one.weight_s, 3)} for one in self.last]
        return {"schema": 1, "rtfx": self.rtfx, "files": self.files, "last": last}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Speed":
        """Read what to_json wrote.

        Raises:
            KeyError, TypeError, ValueError: a field is missing, of another kind, or out of range.
        """
        last = tuple(Measurement(float(one["rtfx"]), float(one["weight_s"])) for one in values["last"])
        if not all(SLOWEST <= one.rtfx <= FASTEST and 0 < one.weight_s <= MOST_WEIGHT_S for one in last):
            raise ValueError(f"a measurement lies outside of {SLOWEST:g} to {FASTEST:g} times real time")
        return cls(last[-REMEMBERED:], int(values["files"]))


class Unmeasured:
    """core.ports.Speeds that knows nothing and learns nothing."""

    def rtfx(self, device: str, model: str) -> float | None:  # noqa: ARG002 - the port's own signature
        """Never known."""
        return None

    def learn(self, device: str, model: str, audio_s: float, work_s: float) -> None:
        """Forget it."""
