"""The whole fallback over the stand-in, killed at any step: one outcome, paid once, and so in the books."""

from collections.abc import Mapping
from typing import Any

import pytest

from core.audio import AudioObject
from core.cost import Part
from core.formats import KINDS
from core.jobs import Job, Manifest
from core.ports import StoredObject
from core.transcription import Transcription
from handlers.bootstrap import fallback_in
from handlers.breakers import Breakers
from handlers.engines import fallback_engine
from handlers.world import World
from infra.audio import PyAvReader
from infra.books import ObjectBooks
from infra.ledger import LEASE_S, ObjectLedger
from infra.local.memory import MemoryPublisher, MemoryStore
from infra.settings import load
from tests.contracts.deepgram_rig import AUDIO, KEY, SECONDS, Rig, stand_in

pytestmark = pytest.mark.local_cloud

STATE, AUDIO_BUCKET, OUT = "klipscribe-state", "klipstream-vods-raw", "klipstream-transcripts"
NAME = "1/audio_1.wav"


class Dying(MemoryStore):
    """A store whose caller dies when it is about to write a name that starts so, and stays dead."""

    dies_at = ""
    is_dead = False

    def write(self, bucket: str, name: str, data: bytes, **how: Any) -> StoredObject:
        self._live(name)
        return super().write(bucket, name, data, **how)

    def delete(self, bucket: str, name: str) -> None:
        self._live("")
        super().delete(bucket, name)

    def revive(self) -> None:
        self.dies_at, self.is_dead = "", False

    def _live(self, name: str) -> None:
        self.is_dead = self.is_dead or bool(self.dies_at and name.startswith(self.dies_at))
        if self.is_dead:
            raise KeyboardInterrupt


def fallback(rig: Rig, store: MemoryStore, publisher: MemoryPublisher) -> Transcription:
    """The fallback of a fresh process, wired as the service is."""
    environ: Mapping[str, str] = {"DEEPGRAM_API_KEY": KEY, "DEEPGRAM_BASE_URL": rig.url}
    world = World(
        settings=load(environ),
        store=store,
        publisher=publisher,
        clock=rig.clock,
        reader=PyAvReader(),
        ledger=ObjectLedger(store=store, bucket=STATE, owner="test", clock=rig.clock),
    )
    return fallback_in(world, fallback_engine(world, Breakers(rig.clock)))


@pytest.mark.parametrize(
    ("step", "asked"),
    [("answers/", 0), ("runs/", 1), ("costs/", 1), ("jobs/", 0), ("outbox/", 1), ("1/", 1)],
    ids=["note", "files", "books", "lease", "manifest", "public files"],
)
def test_a_fallback_that_is_killed_at_a_step_pays_once_and_the_books_know(step: str, asked: int) -> None:
    with stand_in() as rig:
        store, publisher = Dying(rig.clock), MemoryPublisher()
        stored = store.write(AUDIO_BUCKET, NAME, AUDIO)
        job = Job(AudioObject(AUDIO_BUCKET, NAME, stored.generation, len(AUDIO)))
        store.dies_at = step
        with pytest.raises(KeyboardInterrupt):
            fallback(rig, store, publisher).run(job)
        assert len(rig.calls()) == asked

        store.revive()
        rig.clock.advance(LEASE_S + 1)
        outcome = fallback(rig, store, publisher).run(job)

        assert isinstance(outcome, Manifest)
        assert outcome.outcome == "completed"
        assert len(rig.calls()) == 1
        assert len(list(store.list(OUT))) == len(KINDS)
        assert sum(part.usage.billed_s for part in parts(store)) == pytest.approx(SECONDS)


def test_a_kept_answer_lies_in_the_state_bucket_and_nowhere_else() -> None:
    with stand_in() as rig:
        store = MemoryStore(rig.clock)
        stored = store.write(AUDIO_BUCKET, NAME, AUDIO)
        job = Job(AudioObject(AUDIO_BUCKET, NAME, stored.generation, len(AUDIO)))
        fallback(rig, store, MemoryPublisher()).run(job)

        kept = [found.name for found in store.list(STATE, "answers/")]
        assert len(kept) == 1
        assert kept[0].startswith(f"answers/{job.audio.job_id}/")
        assert kept[0].endswith(".gz")


def parts(store: MemoryStore) -> list[Part]:
    return [part for attempt in ObjectBooks(store, STATE).of_month("2026-01") for part in attempt.parts]
