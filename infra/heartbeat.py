"""The heartbeat of the GPU service: an object per instance in the state bucket, written while it lives.

Whether one is fresh is judged by the store's clock, as for leases: its `updated` against that of an object
written lately, carried on by this process's monotonic time. Instances' wall clocks play no part.
"""

import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from core.errors import Retryable
from core.heartbeat import BEAT_S, FRESH_S, Heartbeat, Seen
from core.ports import Clock, ObjectNotFound, ObjectStore, StoredObject

PREFIX = "heartbeats/gpu/"
CLOCK = "heartbeats/clock"
KEPT_S = 86_400.0
"""A beat of the last day tells how fast the GPU was that comes next; older ones are swept up."""

READ_EVERY_S = 5.0
CLOCK_EVERY_S = 60.0

log = logging.getLogger("klipscribe.heartbeat")


class Heart:
    """Beats in a thread that ends with the process. No failure of it reaches a job.

    Args:
        store: holds the beats.
        bucket: where.
        name: of this instance, like no other's.
        look: what to say now; None once the instance is to end.
    """

    def __init__(
        self, store: ObjectStore, bucket: str, name: str, look: Callable[[], Heartbeat | None]
    ) -> None:
        self._store, self._bucket, self._name = store, bucket, f"{PREFIX}{name}.json"
        self._look = look
        self._due = threading.Event()

    def start(self, every_s: float = BEAT_S) -> threading.Thread:
        """Beat now and from now on, in the thread that is returned."""
        thread = threading.Thread(target=self._run, args=(every_s,), name="heartbeat", daemon=True)
        thread.start()
        return thread

    def hurry(self) -> None:
        """Something has changed: beat at once."""
        self._due.set()

    def beat(self) -> bool:
        """Write once; whether the instance goes on."""
        beat = self._look()
        try:
            if beat is None:
                self._store.delete(self._bucket, self._name)
            else:
                data = json.dumps(beat.to_json()).encode()
                self._store.write(self._bucket, self._name, data, content_type="application/json")
        except Retryable as error:
            log.warning("no heartbeat was stored (%s)", error.code)
        return beat is not None

    def sweep(self) -> None:
        """Delete the last beats of instances that are long gone."""
        try:
            mine = self._store.stat(self._bucket, self._name)
            oldest = mine.updated - timedelta(seconds=KEPT_S) if mine else None
            for found in self._store.list(self._bucket, PREFIX):
                if oldest and found.updated < oldest:
                    self._store.delete(self._bucket, found.name)
        except Retryable as error:
            log.warning("old heartbeats were not swept up (%s)", error.code)

    def _run(self, every_s: float) -> None:
        goes_on = self._safely(self.beat)
        self._safely(self.sweep)
        while goes_on:
            self._due.wait(every_s)
            self._due.clear()
            goes_on = self._safely(self.beat)

    def _safely(self, act: Callable[[], bool | None]) -> bool:
        """A thread that dies of a defect would make a warm GPU look cold, and nobody would know why."""
        try:
            return act() is not False
        except Exception:
            log.exception("a heartbeat failed")
            return True


class Pulse:
    """Reads the heartbeats of all instances, at most every few seconds.

    Args:
        store: holds the beats.
        bucket: where.
        clock: its monotonic time says when to look again.
    """

    def __init__(self, store: ObjectStore, bucket: str, clock: Clock) -> None:
        self._store, self._bucket, self._clock = store, bucket, clock
        self._lock = threading.Lock()
        self._read_s: float | None = None
        self._seen: tuple[Seen, ...] | None = None
        self._told: tuple[datetime, float] | None = None

    def seen(self) -> tuple[Seen, ...] | None:
        """The fresh heartbeats, or else the last one of the day; None while storage can't be asked."""
        with self._lock:
            now_s = self._clock.monotonic()
            if self._read_s is None or now_s - self._read_s > READ_EVERY_S:
                self._seen, self._read_s = self._look(), now_s
            return self._seen

    def _look(self) -> tuple[Seen, ...] | None:
        try:
            now = self._store_now()
            aged = [((now - about.updated).total_seconds(), about) for about in self._beats()]
            aged.sort(key=lambda one: one[0])
            fresh = [one for one in aged if one[0] <= FRESH_S]
            recent = fresh or [one for one in aged[:1] if one[0] <= KEPT_S]
            return tuple(seen for age_s, about in recent if (seen := self._read(about, age_s)))
        except Retryable as error:
            log.warning("heartbeats can't be read (%s)", error.code)
            return None

    def _beats(self) -> list[StoredObject]:
        return list(self._store.list(self._bucket, PREFIX))

    def _read(self, about: StoredObject, age_s: float) -> Seen | None:
        """One that was replaced or swept up in the meantime, or makes no sense, is passed over."""
        try:
            beat = Heartbeat.from_json(json.loads(self._store.read(self._bucket, about.name)))
        except ObjectNotFound:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s can't be understood (%s)", about.name, type(error).__name__)
            return None
        return Seen(beat, age_s)

    def _store_now(self) -> datetime:
        """The store's time; it is asked once a minute, as an object takes one write a second."""
        now_s = self._clock.monotonic()
        if self._told is None or now_s - self._told[1] > CLOCK_EVERY_S:
            self._told = self._store.write(self._bucket, CLOCK, b"").updated, now_s
        told, told_s = self._told
        return told + timedelta(seconds=now_s - told_s)
