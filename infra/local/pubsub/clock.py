"""Time inside the emulator, which tests may let run faster than the world's."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """A clock that counts `scale` seconds while one second passes outside."""

    scale: float = 1.0

    def now_s(self) -> float:
        """Seconds of the emulator, from an arbitrary start."""
        return time.monotonic() * self.scale

    def outside_s(self, seconds: float) -> float:
        """How long so many seconds of the emulator take outside."""
        return seconds / self.scale

    def wall_s(self) -> float:
        """Seconds since 1970, never scaled: publish times are real."""
        return time.time()
