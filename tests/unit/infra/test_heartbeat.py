import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from core.errors import Retryable
from core.heartbeat import Heartbeat
from core.ports import StoredObject
from infra.heartbeat import CLOCK_EVERY_S, KEPT_S, PREFIX, READ_EVERY_S, Heart, Pulse
from infra.local.memory import MemoryStore
from tests.fakes.clock import FakeClock
from tests.log_lines import Lines

STATE = "state"


class Store(MemoryStore):
    """A store with a clock of its own, that counts its writes and can be away."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.is_away, self.writes, self.lists = False, 0, 0

    def write(self, bucket: str, name: str, data: bytes, **more: Any) -> StoredObject:
        self.writes += 1
        if self.is_away:
            raise Retryable("no", code="storage_unavailable")
        return super().write(bucket, name, data, **more)

    def list(self, bucket: str, prefix: str = "") -> Iterable[StoredObject]:
        self.lists += 1
        if self.is_away:
            raise Retryable("no", code="storage_unavailable")
        return super().list(bucket, prefix)


class Rig:
    """A store in 2026, a reader whose wall clock says 1990, and instances that beat."""

    def __init__(self) -> None:
        self.theirs, self.ours = FakeClock(), FakeClock(datetime(1990, 1, 1, tzinfo=UTC))
        self.store = Store(self.theirs)
        self.pulse = Pulse(self.store, STATE, self.ours)
        self.says: Heartbeat | None = Heartbeat(True, "NVIDIA L4", "parakeet", 200.0)

    def heart(self, name: str = "one") -> Heart:
        return Heart(self.store, STATE, name, lambda: self.says)

    def advance(self, seconds: float) -> None:
        self.theirs.advance(seconds)
        self.ours.advance(seconds)

    @property
    def ages_s(self) -> list[float]:
        seen = self.pulse.seen()
        assert seen is not None
        return [one.age_s for one in seen]


def test_a_beat_is_as_old_as_the_store_says() -> None:
    rig = Rig()
    rig.heart().beat()
    rig.advance(17)
    assert rig.ages_s == [17]
    rig.advance(30)
    assert rig.ages_s == [47]


def test_the_stores_clock_is_asked_once_a_minute() -> None:
    rig = Rig()
    rig.heart().beat()
    for _ in range(int(CLOCK_EVERY_S / 10)):
        rig.pulse.seen()
        rig.advance(10)
    assert rig.store.writes == 2
    rig.advance(1)
    rig.pulse.seen()
    assert rig.store.writes == 3


def test_what_was_seen_is_kept_for_a_few_seconds() -> None:
    rig = Rig()
    rig.pulse.seen()
    rig.heart().beat()
    rig.advance(READ_EVERY_S)
    assert rig.ages_s == []
    rig.advance(1)
    assert rig.ages_s == [READ_EVERY_S + 1]


def test_all_that_live_are_seen_and_of_those_that_are_gone_the_last() -> None:
    rig = Rig()
    rig.heart("one").beat()
    rig.advance(100)
    rig.heart("two").beat()
    rig.heart("three").beat()
    rig.advance(10)
    assert rig.ages_s == [10, 10]
    rig.advance(100)
    assert rig.ages_s == [110]


def test_a_beat_of_the_day_before_tells_nothing_any_more() -> None:
    rig = Rig()
    rig.heart().beat()
    rig.advance(KEPT_S + 1)
    assert rig.ages_s == []


@pytest.mark.parametrize("kept", [b"", b"[]", b"{}", b'{"rtfx": -1, "queue_s": 0}'])
def test_a_beat_that_makes_no_sense_is_passed_over(kept: bytes, lines: Lines) -> None:
    rig = Rig()
    rig.store.write(STATE, f"{PREFIX}odd.json", kept)
    rig.heart().beat()
    assert rig.ages_s == [0]
    assert "odd.json can't be understood" in lines.getvalue()


def test_storage_that_is_away_is_told_apart_from_silence(lines: Lines) -> None:
    rig = Rig()
    rig.store.is_away = True
    assert rig.pulse.seen() is None
    assert "heartbeats can't be read (storage_unavailable)" in lines.getvalue()
    rig.store.is_away = False
    assert rig.pulse.seen() is None
    rig.advance(READ_EVERY_S + 1)
    assert rig.pulse.seen() == ()


def test_a_beat_that_cannot_be_stored_is_a_warning(lines: Lines) -> None:
    rig = Rig()
    rig.store.is_away = True
    assert rig.heart().beat()
    rig.heart().sweep()
    assert "no heartbeat was stored (storage_unavailable)" in lines.getvalue()


def test_an_instance_that_is_to_end_takes_its_beat_away() -> None:
    rig = Rig()
    heart = rig.heart()
    assert heart.beat()
    rig.says = None
    assert not heart.beat()
    assert list(rig.store.list(STATE)) == []


def test_instances_that_are_long_gone_are_swept_up() -> None:
    rig = Rig()
    rig.heart("old").beat()
    rig.advance(KEPT_S / 2)
    rig.heart("late").beat()
    rig.advance(KEPT_S / 2 + 1)
    heart = rig.heart("new")
    heart.beat()
    heart.sweep()
    assert [found.name for found in rig.store.list(STATE)] == [f"{PREFIX}late.json", f"{PREFIX}new.json"]


def test_the_thread_beats_when_told_survives_defects_and_ends(lines: Lines) -> None:
    rig = Rig()
    beaten = threading.Semaphore(0)
    queues_s = iter([1.0, 2.0, 3.0])

    def look() -> Heartbeat | None:
        beaten.release()
        queue_s = next(queues_s, None)
        if queue_s == 2.0:
            raise ZeroDivisionError
        return Heartbeat(True, "NVIDIA L4", "parakeet", 200.0, queue_s) if queue_s else None

    heart = Heart(rig.store, STATE, "one", look)
    thread = heart.start(every_s=3600)
    assert thread.daemon
    for _ in range(3):
        assert beaten.acquire(timeout=10)
        heart.hurry()
    assert beaten.acquire(timeout=10)
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert "a heartbeat failed" in lines.getvalue()
    assert list(rig.store.list(STATE, PREFIX)) == []


def test_what_is_stored_names_no_file() -> None:
    rig = Rig()
    rig.heart().beat()
    values = json.loads(rig.store.read(STATE, f"{PREFIX}one.json"))
    assert set(values) == {"schema", "on_gpu", "device", "model", "rtfx", "queue_s", "breaker"}
