"""Where hybrid is made, and where it must not be."""

import logging
from dataclasses import replace
from typing import Any

import pytest

from core.audio import AudioObject
from core.billing import Bill
from core.clips import ClippedReader
from core.errors import EngineFailed
from core.jobs import Job, Manifest
from core.ports import AudioReader, Engine
from core.split import Split
from handlers import bootstrap
from handlers.hybrid_engine import any_length, with_hybrid
from handlers.world import World
from infra.ledger import ObjectLedger
from infra.local.memory import MemoryPublisher, MemoryStore
from infra.settings import Settings, load
from tests.fakes.clock import FakeClock
from tests.fakes.parts import PartEngine, silence, source
from tests.unit.core.test_hybrid import ALL, counted, numbers

KEY = {"DEEPGRAM_API_KEY": "a-made-up-key"}
PRIVATE: list[dict[str, str]] = [
    {},
    {**KEY, "ALLOW_DEEPGRAM": "false"},
    {**KEY, "TRANSCRIPTION_METHOD": "parakeet"},
]


def a_world(settings: Settings, reader: AudioReader) -> World:
    clock = FakeClock()
    store = MemoryStore(clock)
    ledger = ObjectLedger(store=store, bucket="state", owner="here", clock=clock)
    return World(
        settings=settings,
        store=store,
        publisher=MemoryPublisher(),
        clock=clock,
        reader=ClippedReader(reader),
        ledger=ledger,
    )


class Service:
    """The GPU service's engines over 300 s of silence."""

    def __init__(
        self, environ: dict[str, str], fails: dict[str, Any] | None = None, queue_s: float = 0.0
    ) -> None:
        reader = silence(300)
        self.world = a_world(load(environ), reader)
        self.parakeet, self.deepgram = (
            PartEngine(name, self.world.reader, counted, fails=(fails or {}).get(name))
            for name in ("parakeet", "deepgram")
        )
        self.made = 0
        self.engines = with_hybrid(
            self.world,
            {"parakeet": self.parakeet},
            self.make_deepgram,
            lambda: replace(self.world.engine_facts(), queue_s=queue_s),
        )

    def make_deepgram(self) -> Engine:
        self.made += 1
        return self.deepgram

    def outcome(self) -> Manifest:
        """What the use case makes of a file."""
        stored = self.world.store.write(self.world.settings.audio_bucket, "7/audio_7.mp3", b"ID3")
        audio = AudioObject(stored.bucket, stored.name, stored.generation, stored.size_bytes)
        outcome = bootstrap.transcription_in(self.world, self.engines, self.world.engine_facts).run(
            Job(audio)
        )
        assert isinstance(outcome, Manifest)
        return outcome

    def run(self) -> Any:
        of = source()
        return self.engines["hybrid"].transcribe(of, self.world.reader.probe(of), Bill())


@pytest.mark.parametrize("environ", PRIVATE)
def test_where_audio_may_not_leave_there_is_no_hybrid_and_no_deepgram(environ: dict[str, str]) -> None:
    service = Service(environ)
    assert service.engines == {"parakeet": service.parakeet}
    assert service.made == 0


def test_with_a_key_both_engines_hear_a_file() -> None:
    service = Service(KEY)
    transcript = service.run()
    assert (transcript.engine, numbers(transcript)) == ("hybrid", ALL)


METHOD = {"TRANSCRIPTION_METHOD": "hybrid", "PARAKEET_DEVICE": "cuda"}
OUTCOMES: list[tuple[dict[str, str], dict[str, Any], str, str]] = [
    (KEY, {}, "hybrid", "hybrid"),
    (KEY, {"parakeet": {"head": EngineFailed("it could not")}}, "hybrid", "deepgram"),
    (KEY, {"deepgram": {"tail": EngineFailed("it could not")}}, "hybrid", "parakeet"),
    ({}, {}, "parakeet", "parakeet"),
    ({**KEY, "ALLOW_DEEPGRAM": "false"}, {}, "parakeet", "parakeet"),
]


@pytest.mark.parametrize(("environ", "fails", "method", "engine"), OUTCOMES)
def test_the_outcome_names_the_way_that_was_chosen_and_the_engine_that_really_heard(
    environ: dict[str, str], fails: dict[str, Any], method: str, engine: str
) -> None:
    outcome = Service({**METHOD, **environ}, fails).outcome()
    assert (outcome.outcome, outcome.body["method"], outcome.body["engine"]) == ("completed", method, engine)
    assert outcome.body["words_count"] == 300
    assert outcome.body["deepgram_usd"] == pytest.approx(300 / 60 * 0.0045)


def test_what_waits_for_the_gpu_moves_the_split() -> None:
    service = Service(KEY, queue_s=1e6)
    assert service.run().engine == "deepgram"


def test_a_split_that_is_set_moves_it_too() -> None:
    assert Service({**KEY, "HYBRID_SPLIT_HOURS": "0.1"}, queue_s=1e6).run().engine == "parakeet"


def test_without_fallback_a_failure_of_parakeet_stays_here() -> None:
    fails = {"parakeet": {"head": EngineFailed("it could not")}}
    with pytest.raises(EngineFailed, match="could not be heard: it could not"):
        Service({**KEY, "ENABLE_FALLBACK": "false"}, fails).run()


def test_a_part_that_moves_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    fails = {"deepgram": {"tail": EngineFailed("no answer", code="engine_bad_result")}}
    with caplog.at_level(logging.WARNING, "klipscribe"):
        assert Service(KEY, fails).run().engine == "parakeet"
    (record,) = caplog.records
    assert record.getMessage().startswith("deepgram failed at gs://audio/1/audio_1.mp3 from ")
    assert record.__dict__["code"] == "engine_bad_result"


def test_deepgram_is_given_long_files_in_parts() -> None:
    service = Service(KEY)
    deepgram = any_length(service.world, service.deepgram)
    assert isinstance(deepgram, Split)
    of = source(size_bytes=2_000_000_001)
    transcript = deepgram.transcribe(of, service.world.reader.probe(of), Bill())
    assert sorted(part for part, _, _ in service.deepgram.asked) == ["head", "tail"]
    assert numbers(transcript) == ALL
