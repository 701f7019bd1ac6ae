"""What finished files taught of speed, as small objects in the state bucket: core.ports.Speeds."""

import json
import logging
import re
import threading
from collections.abc import Sequence
from functools import reduce

from core.errors import Retryable
from core.ports import Clock, ObjectNotFound, ObjectStore, PreconditionFailed
from core.speeds import Measurement, Speed

FRESH_S = 60.0
"""How old what was read may be: a speed moves with half of fifteen files, not within a minute."""

WRITE_EVERY_S = 10.0
"""Cloud Storage takes one write a second to an object, and all instances write to the same one."""

TRIES = 3
_UNPLAIN = re.compile(r"[^\w.-]+", re.ASCII)

log = logging.getLogger("klipscribe.speeds")


class ObjectSpeeds:
    """core.ports.Speeds, shared by all instances. What can't be stored, or loses a race often, is forgotten.

    Args:
        store: holds the objects.
        bucket: where.
        clock: its monotonic time says when to read and to write again.
    """

    def __init__(self, store: ObjectStore, bucket: str, clock: Clock) -> None:
        self._store, self._bucket, self._clock = store, bucket, clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Speed]] = {}
        self._waiting: dict[str, list[Measurement]] = {}
        self._written_s: dict[str, float] = {}

    def rtfx(self, device: str, model: str) -> float | None:
        """As learnt so far, at most a minute old."""
        name, now_s = _name(device, model), self._clock.monotonic()
        with self._lock:
            read_s, speed = self._known.get(name, (None, Speed()))
        if read_s is None or now_s - read_s > FRESH_S:
            speed = self._refreshed(name, speed)
        return speed.rtfx

    def learn(self, device: str, model: str, audio_s: float, work_s: float) -> None:
        """Add a file; what comes within seconds of the last write waits for the next one."""
        name, measurement = _name(device, model), Measurement.of(audio_s, work_s)
        if measurement is None:
            return
        with self._lock:
            self._waiting.setdefault(name, []).append(measurement)
            now_s, written_s = self._clock.monotonic(), self._written_s.get(name)
            if written_s is not None and now_s - written_s < WRITE_EVERY_S:
                return
            self._written_s[name] = now_s
            news = self._waiting.pop(name)
        try:
            self._add(name, news)
        except (Retryable, PreconditionFailed) as error:
            log.warning("the speed of %d files was not stored (%s)", len(news), type(error).__name__)

    def _add(self, name: str, news: Sequence[Measurement]) -> None:
        """Raises PreconditionFailed when others were faster on every try."""
        for attempt in range(1, TRIES + 1):
            generation, speed = self._read(name)
            speed = reduce(Speed.taught, news, speed)
            data = json.dumps(speed.to_json()).encode()
            try:
                self._store.write(
                    self._bucket,
                    name,
                    data,
                    content_type="application/json",
                    if_generation_match=generation,
                )
            except PreconditionFailed:
                if attempt == TRIES:
                    raise
                continue
            self._remember(name, speed)
            return

    def _refreshed(self, name: str, before: Speed) -> Speed:
        """What was known before stands while storage is away; it is not asked again for a while."""
        try:
            _, speed = self._read(name)
        except Retryable as error:
            log.warning("what is known of speed can't be read (%s)", error.code)
            speed = before
        self._remember(name, speed)
        return speed

    def _read(self, name: str) -> tuple[int, Speed]:
        """The object's generation, 0 when there is none; what can't be understood is begun anew."""
        stored = self._store.stat(self._bucket, name)
        if stored is None:
            return 0, Speed()
        try:
            values = json.loads(self._store.read(self._bucket, name, stored.generation))
            return stored.generation, Speed.from_json(values)
        except ObjectNotFound:
            return 0, Speed()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("%s can't be understood (%s), begun anew", name, type(error).__name__)
            return stored.generation, Speed()

    def _remember(self, name: str, speed: Speed) -> None:
        with self._lock:
            self._known[name] = self._clock.monotonic(), speed


def _name(device: str, model: str) -> str:
    return f"speeds/{_plain(device)}/{_plain(model)}.json"


def _plain(text: str) -> str:
    return _UNPLAIN.sub("-", text).strip("-.")[:100] or "unknown"
