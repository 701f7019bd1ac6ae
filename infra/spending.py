"""What the running month has cost, cheaply known: days that are over are summed once."""

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from core.ports import Clock, ObjectNotFound, ObjectStore
from infra.books import ObjectBooks

REFRESH_S = 60.0
OPEN_DAYS = 2
"""Days that are summed anew each time, today among them: an attempt is entered hours after its claim at most,
but for those whose process died and whose job nobody took over for a day."""


@dataclass(slots=True)
class Spending:
    """Sums the books of the running month.

    Sums of past days are kept in the state bucket for all instances. What is entered for a day after that is
    in every report, but no longer in this sum.
    """

    store: ObjectStore
    bucket: str
    clock: Clock
    refresh_s: float = REFRESH_S
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _month: str = ""
    _usd: float = 0.0
    _until_s: float = 0.0

    def month_usd(self) -> float:
        """USD of the running month, UTC, at most a minute old. Raises Retryable."""
        with self._lock:
            now = self.clock.now()
            if self._month != f"{now:%Y-%m}" or self.clock.monotonic() >= self._until_s:
                self._usd = self._sum(now)
                self._month, self._until_s = f"{now:%Y-%m}", self.clock.monotonic() + self.refresh_s
            return self._usd

    def _sum(self, now: datetime) -> float:
        books, name = ObjectBooks(self.store, self.bucket), f"spending/{now:%Y-%m}.json"
        known = self._kept(name)
        days = [f"{now:%Y-%m}-{number:02}" for number in range(1, now.day + 1)]
        sums = {day: known[day] if day in known else books.usd_of_day(day) for day in days}
        last_open = f"{now - timedelta(days=OPEN_DAYS):%Y-%m-%d}"
        settled = {day: usd for day, usd in sums.items() if day <= last_open}
        if settled.keys() != known.keys():
            self.store.write(self.bucket, name, json.dumps(settled).encode(), content_type="application/json")
        return sum(sums.values())

    def _kept(self, name: str) -> dict[str, float]:
        try:
            kept: dict[str, float] = json.loads(self.store.read(self.bucket, name))
        except ObjectNotFound:
            return {}
        return kept
