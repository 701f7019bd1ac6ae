import json
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import Retryable
from core.ports import StoredObject
from core.speeds import Speed
from infra.local.memory import MemoryStore
from infra.speeds import FRESH_S, TRIES, WRITE_EVERY_S, ObjectSpeeds
from tests.fakes.clock import FakeClock
from tests.log_lines import Lines

STATE, L4, MODEL = "state", "NVIDIA L4", "nvidia/parakeet-tdt-0.6b-v2"
NAME = "speeds/NVIDIA-L4/nvidia-parakeet-tdt-0.6b-v2.json"


class Store(MemoryStore):
    """A store that does something before it writes, and can be away."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.before: Callable[[], object] = lambda: None
        self.is_away, self.stats = False, 0

    def stat(self, bucket: str, name: str, generation: int | None = None) -> StoredObject | None:
        self.stats += 1
        if self.is_away:
            raise Retryable("no", code="storage_unavailable")
        return super().stat(bucket, name, generation)

    def write(self, bucket: str, name: str, data: bytes, **more: Any) -> StoredObject:
        self.before()
        return super().write(bucket, name, data, **more)


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = Store(self.clock)
        self.speeds = self.instance()

    def instance(self) -> ObjectSpeeds:
        return ObjectSpeeds(self.store, STATE, self.clock)

    def teach(self, *rtfx: float, speeds: ObjectSpeeds | None = None) -> None:
        for value in rtfx:
            (speeds or self.speeds).learn(L4, MODEL, 3600, 3600 / value)
            self.clock.advance(WRITE_EVERY_S)

    @property
    def kept(self) -> Speed:
        return Speed.from_json(json.loads(self.store.read(STATE, NAME)))


def test_what_one_instance_learns_another_one_knows() -> None:
    rig = Rig()
    rig.teach(200, 210, 220)
    assert rig.speeds.rtfx(L4, MODEL) == pytest.approx(210)
    assert rig.instance().rtfx(L4, MODEL) == pytest.approx(210)
    assert rig.instance().rtfx("NVIDIA H200", MODEL) is None
    assert rig.instance().rtfx(L4, "another") is None


def test_what_was_read_is_asked_for_again_after_a_minute() -> None:
    rig = Rig()
    reader = rig.instance()
    assert reader.rtfx(L4, MODEL) is None
    rig.teach(200, 210, 220)
    asked = rig.store.stats
    assert reader.rtfx(L4, MODEL) is None
    assert rig.store.stats == asked
    rig.clock.advance(FRESH_S)
    assert reader.rtfx(L4, MODEL) == pytest.approx(210)


def test_files_that_end_at_once_are_written_together() -> None:
    rig = Rig()
    for value in (200, 210, 220):
        rig.speeds.learn(L4, MODEL, 3600, 3600 / value)
    assert rig.kept.files == 1
    rig.clock.advance(WRITE_EVERY_S)
    rig.teach(230)
    assert rig.kept.files == 4


def test_who_loses_a_race_tries_again_on_what_the_winner_wrote() -> None:
    rig = Rig()
    other = rig.instance()

    def race() -> None:
        rig.store.before = lambda: None
        other.learn(L4, MODEL, 3600, 36)

    rig.store.before = race
    rig.teach(200)
    assert [one.rtfx for one in rig.kept.last] == [100, 200]


def test_losing_every_race_is_harmless(lines: Lines) -> None:
    rig = Rig()
    tries = 0

    def race() -> None:
        nonlocal tries
        tries += 1
        MemoryStore.write(rig.store, STATE, NAME, b"{}")

    rig.store.before = race
    rig.teach(200)
    assert tries == TRIES
    assert "the speed of 1 files was not stored (PreconditionFailed)" in lines.getvalue()


def test_storage_that_is_away_costs_neither_a_job_nor_what_is_known(lines: Lines) -> None:
    rig = Rig()
    rig.teach(200, 210, 220)
    rig.store.is_away = True
    rig.teach(230)
    rig.clock.advance(FRESH_S)
    assert rig.speeds.rtfx(L4, MODEL) == pytest.approx(210)
    asked = rig.store.stats
    assert rig.speeds.rtfx(L4, MODEL) == pytest.approx(210)
    assert rig.store.stats == asked
    assert "can't be read (storage_unavailable)" in lines.getvalue()


@pytest.mark.parametrize("kept", [b"", b"[]", b'{"last": 5}', b'{"last": [{"rtfx": -1}], "files": 1}'])
def test_what_cannot_be_understood_is_begun_anew(kept: bytes, lines: Lines) -> None:
    rig = Rig()
    rig.store.write(STATE, NAME, kept)
    assert rig.speeds.rtfx(L4, MODEL) is None
    rig.teach(200, 210, 220)
    assert rig.speeds.rtfx(L4, MODEL) == pytest.approx(210)
    assert "can't be understood" in lines.getvalue()


def test_nonsense_is_not_even_written() -> None:
    rig = Rig()
    rig.speeds.learn(L4, MODEL, 10, 1)
    rig.speeds.learn(L4, MODEL, 3600, 0)
    assert list(rig.store.list(STATE)) == []


def test_no_device_or_model_leads_out_of_the_folder() -> None:
    rig = Rig()
    rig.speeds.learn("../..", "/models/my model", 3600, 36)
    assert [found.name for found in rig.store.list(STATE)] == ["speeds/unknown/models-my-model.json"]
