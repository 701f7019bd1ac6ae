import pytest

from core.audio import AudioInfo, AudioObject, AudioSource
from core.billing import Bill
from core.errors import EngineFailed
from handlers.deepgram import deepgram_engine, lacking_for_fallback
from infra.answers import NoAnswers, StoredAnswers
from infra.deepgram import DeepgramEngine
from infra.local.memory import MemoryStore
from infra.settings import load
from tests.fakes.clock import FakeClock

KEY = {"DEEPGRAM_API_KEY": "made-up"}
INFO = AudioInfo(60.0, 8_000, 1, "mp3")


@pytest.mark.parametrize(
    "environ",
    [KEY, {"ALLOW_DEEPGRAM": "false"}, {"TRANSCRIPTION_METHOD": "parakeet"}],
    ids=["a key", "not allowed", "not wanted"],
)
def test_the_fallback_lacks_nothing(environ: dict[str, str]) -> None:
    assert lacking_for_fallback(load(environ)) == ""


def test_the_fallback_lacks_the_key_that_its_settings_count_on() -> None:
    assert lacking_for_fallback(load({})).startswith("DEEPGRAM_API_KEY is not set")


def test_without_a_key_there_is_an_engine_that_says_so_and_costs_nothing() -> None:
    clock = FakeClock()
    engine, bill = deepgram_engine(load({"DEEPGRAM_MODEL": "nova-2"}), clock), Bill()

    assert (engine.name, engine.model) == ("deepgram", "nova-2")
    source = AudioSource(AudioObject("audio", "1/audio_1.mp3", 7), MemoryStore(clock))
    with pytest.raises(EngineFailed, match="DEEPGRAM_API_KEY") as failed:
        engine.transcribe(source, INFO, bill)
    assert (failed.value.code, failed.value.deterministic, bill.usages) == ("engine_unauthorized", True, ())


def test_the_settings_reach_the_engine() -> None:
    clock = FakeClock()
    store = MemoryStore(clock)
    environ = {
        **KEY,
        "DEEPGRAM_CONCURRENCY": "1",
        "STATE_BUCKET": "our-state",
        "REQUEST_SOFT_BUDGET_S": "120",
    }
    engine = deepgram_engine(load(environ), clock, store)

    assert isinstance(engine, DeepgramEngine)
    assert engine.answers == StoredAnswers(store, "our-state")
    assert (engine.budget_s, engine.timeout_s) == (120.0, 100.0)
    assert engine.places is not None
    with engine.places.one(0), pytest.raises(Exception, match="all 1 places"), engine.places.one(0):
        pass


def test_the_longest_request_is_400_s_and_nothing_is_kept_without_a_store() -> None:
    engine = deepgram_engine(load({**KEY, "REQUEST_SOFT_BUDGET_S": "590"}), FakeClock())

    assert isinstance(engine, DeepgramEngine)
    assert engine.timeout_s == 400.0
    assert isinstance(engine.answers, NoAnswers)
