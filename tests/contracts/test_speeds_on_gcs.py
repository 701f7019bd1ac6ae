"""Speeds and heartbeats over a real server: its preconditions and its clock decide."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from google.cloud import storage

from core.heartbeat import Heartbeat
from infra.gcs import GcsStore
from infra.heartbeat import READ_EVERY_S, Heart, Pulse
from infra.speeds import ObjectSpeeds
from tests.contracts.storage import BUCKET
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.local_cloud


@pytest.fixture
def store(gcs_client: storage.Client) -> GcsStore:
    return GcsStore(gcs_client)


def test_what_instances_learn_at_the_same_time_is_kept_of_each_that_wins_its_race(store: GcsStore) -> None:
    model = uuid.uuid4().hex

    def learn(rtfx: float) -> None:
        ObjectSpeeds(store, BUCKET, FakeClock()).learn("NVIDIA L4", model, 3600, 3600 / rtfx)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(learn, (100, 200, 300)))
    # Three tries each: of three that meet, one wins each round.
    assert ObjectSpeeds(store, BUCKET, FakeClock()).rtfx("NVIDIA L4", model) == pytest.approx(200)


def test_a_beat_is_as_old_as_the_server_says_whatever_the_reader_takes_for_the_time(store: GcsStore) -> None:
    clock = FakeClock(datetime(1990, 1, 1, tzinfo=UTC))
    pulse = Pulse(store, BUCKET, clock)
    beat = Heartbeat(True, uuid.uuid4().hex, "parakeet", 200.0, 3.0)
    heart = Heart(store, BUCKET, uuid.uuid4().hex, lambda: beat)
    heart.beat()
    heart.sweep()
    [seen] = [one for one in pulse.seen() or () if one.beat == beat]
    assert -1 < seen.age_s < 60
    clock.advance(READ_EVERY_S + 1)
    [later] = [one for one in pulse.seen() or () if one.beat == beat]
    assert later.age_s == pytest.approx(seen.age_s + READ_EVERY_S + 1)
