"""Both use cases over memory, with engines that know the answer beforehand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import (
    Damaged,
    EngineFailed,
    EngineLost,
    EngineRestarting,
    NoRouteNow,
    NotAudio,
    OutOfLimits,
    Retryable,
)
from handlers.breakers import Breakers
from handlers.call import LEARNT, Abandoned, Call
from handlers.in_process import DELIVERIES, Engines, InProcess
from handlers.world import World
from infra import settings as environment
from tests.fakes.audio import FakeEngine, FakeReader
from tests.fakes.clock import FakeClock

VIDEO = "2434635255"
GPU = {"PARAKEET_DEVICE": "cuda", "DEEPGRAM_API_KEY": "made-up"}


class Place:
    """An InProcess over fakes; a file to hear lies in the folder."""

    def __init__(self, folder: Path, **environ: str) -> None:
        clock = FakeClock()
        self.path = folder / f"audio_{VIDEO}.mp3"
        self.path.write_bytes(b"audio")
        self.reader = FakeReader()
        self.parakeet, self.deepgram = FakeEngine("parakeet", clock), FakeEngine("deepgram", clock)
        self.made: list[Callable[[EngineLost], None]] = []
        self.service = InProcess(environment.load({**GPU, **environ}), self.reader, self._make)

    def _make(self, world: World, _: Breakers, on_lost: Callable[[EngineLost], None]) -> Engines:
        self.made.append(on_lost)
        self.world = world
        here = {"parakeet": self.parakeet, "parakeet_cpu": self.parakeet}
        return Engines(here, self.deepgram if world.settings.deepgram_available else None, world.engine_facts)

    @property
    def heard(self) -> tuple[int, int]:
        """Calls of Parakeet and of Deepgram."""
        return self.parakeet.heard, self.deepgram.heard

    def left(self) -> list[str]:
        """What a call left behind, without what is kept of all: what was paid, and what was learnt."""
        return [name for name in self.kept() if not name.startswith(LEARNT)]

    def kept(self) -> list[str]:
        """All that is in memory."""
        return [name for _, name in self.service._store._objects]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_file_is_heard_by_the_engine_that_routing_picks_and_nothing_is_left_behind(place: Place) -> None:
    heard = place.service.transcribe(place.path, VIDEO)
    assert (heard.error, heard.manifest.body["engine"], heard.manifest.body["method"]) == (
        None,
        "parakeet",
        "parakeet",
    )
    assert heard.outputs["words"].startswith(b"start_time,end_time,word\r\n0.5,0.9,Hello\r\n")
    assert [usage.runner for usage in heard.usages] == ["parakeet"]
    assert (place.heard, place.left()) == ((1, 0), [])


@pytest.mark.parametrize(
    "failures",
    [
        [EngineFailed("broken", deterministic=True)],
        [EngineFailed("first"), EngineFailed("second")],
        [EngineRestarting("lost at another file"), EngineFailed("first"), EngineFailed("second")],
    ],
)
def test_a_file_that_parakeet_can_not_hear_is_heard_by_deepgram_in_the_same_call(
    place: Place, failures: list[Exception]
) -> None:
    place.parakeet.failures = list(failures)
    heard = place.service.transcribe(place.path, VIDEO)
    assert (heard.manifest.body["engine"], heard.manifest.body["model"]) == ("deepgram", "deepgram-fake")
    assert [usage.runner for usage in heard.usages] == ["deepgram"]
    assert (place.heard, place.left()) == ((len(failures), 1), [])


def test_a_failure_by_chance_is_tried_again_before_anything_is_paid(place: Place) -> None:
    place.parakeet.failures = [EngineFailed("by chance")]
    assert place.service.transcribe(place.path, VIDEO).manifest.body["engine"] == "parakeet"
    assert place.heard == (2, 0)


def test_a_file_that_is_routed_to_deepgram_never_meets_parakeet(tmp_path: Path) -> None:
    place = Place(tmp_path, TRANSCRIPTION_METHOD="deepgram")
    assert place.service.transcribe(place.path, VIDEO).manifest.body["engine"] == "deepgram"
    assert place.heard == (0, 1)


def test_where_no_failure_may_go_to_deepgram_the_error_is_parakeets(tmp_path: Path) -> None:
    place = Place(tmp_path, ENABLE_FALLBACK="false")
    place.parakeet.failures = [EngineFailed("no memory", code="engine_out_of_memory", deterministic=True)]
    error = place.service.transcribe(place.path, VIDEO).error
    assert isinstance(error, EngineFailed)
    assert (error.code, str(error)) == ("engine_out_of_memory", "no memory")
    assert place.heard == (1, 0)


def test_a_failure_of_both_engines_is_deepgrams(place: Place) -> None:
    place.parakeet.failures = [EngineFailed("broken", deterministic=True)]
    place.deepgram.failures = [EngineFailed("refused", code="engine_refused", deterministic=True)]
    error = place.service.transcribe(place.path, VIDEO).error
    assert isinstance(error, EngineFailed)
    assert error.code == "engine_refused"


def test_an_engine_that_is_never_there_is_asked_a_few_times(place: Place) -> None:
    place.parakeet.failures = [EngineRestarting("gone") for _ in range(9)]
    with pytest.raises(EngineRestarting):
        place.service.transcribe(place.path, VIDEO)
    assert (place.heard, place.left()) == ((DELIVERIES, 0), [])


def test_what_mends_itself_is_raised_for_a_later_call(place: Place) -> None:
    place.deepgram.failures = [Retryable("out of capacity", code="quota_exceeded")]
    place.parakeet.failures = [EngineFailed("broken", deterministic=True)]
    with pytest.raises(Retryable, match="out of capacity"):
        place.service.transcribe(place.path, VIDEO)
    assert place.left() == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotAudio("no stream", code="no_audio_stream"), NotAudio),
        (Damaged("breaks off", code="truncated"), Damaged),
    ],
)
def test_a_file_that_is_refused_has_an_error_of_its_class_that_names_the_file(
    place: Place, error: Exception, kind: type[Exception]
) -> None:
    place.reader.failures = [error]
    found = place.service.transcribe(place.path, VIDEO).error
    assert isinstance(found, kind)
    assert place.heard == (0, 0)


def test_messages_name_the_path_in_the_place_of_an_object(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path.write_bytes(b"")
    error = place.service.transcribe(place.path, VIDEO).error
    assert isinstance(error, OutOfLimits)
    assert str(error) == f"{place.path}: size is 0 bytes, expected at least 1 byte"


def test_a_file_for_which_there_is_no_engine_says_why(tmp_path: Path) -> None:
    place = Place(tmp_path, PARAKEET_DEVICE="cpu", DEEPGRAM_API_KEY="")
    with pytest.raises(NoRouteNow) as refused:
        place.service.transcribe(place.path, VIDEO)
    assert str(refused.value).startswith(f"{place.path}: no engine can transcribe this file now: ")
    assert "no Deepgram key is set" in str(refused.value)


def test_what_engines_keep_for_a_later_delivery_goes_with_the_last_call_and_what_they_learnt_stays(
    place: Place,
) -> None:
    def keep() -> None:
        for name in ("answers/1.gz", "speeds/gpu.json", "costs/2026-11/1.json"):
            place.world.store.write(place.world.settings.state_bucket, name, b"{}")

    place.parakeet.meanwhile = keep
    place.service.transcribe(place.path, VIDEO)
    assert {"costs/2026-11/1.json", "speeds/gpu.json"} <= set(place.kept())
    assert place.left() == []


def test_an_abandoned_call_starts_no_engine_and_pays_for_nothing(place: Place) -> None:
    call = Call()
    call.abandoned.set()
    with pytest.raises(Abandoned):
        place.service.transcribe(place.path, VIDEO, call)
    assert (place.heard, place.left()) == ((0, 0), [])


def test_a_call_that_is_abandoned_while_parakeet_fails_does_not_pay_deepgram(place: Place) -> None:
    call = Call()
    place.parakeet.meanwhile = call.abandoned.set
    place.parakeet.failures = [EngineFailed("broken", deterministic=True)]
    with pytest.raises(Abandoned):
        place.service.transcribe(place.path, VIDEO, call)
    assert (place.heard, place.left()) == ((1, 0), [])


def test_a_defect_leaves_nothing_behind_either(place: Place) -> None:
    place.parakeet.failures = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        place.service.transcribe(place.path, VIDEO)
    assert place.left() == []


def test_engines_are_made_once_and_anew_after_a_device_was_lost(place: Place) -> None:
    place.service.transcribe(place.path, VIDEO)
    place.service.transcribe(place.path, VIDEO)
    assert len(place.made) == 1
    place.made[0](EngineLost("the device does not answer"))
    place.service.transcribe(place.path, VIDEO)
    assert len(place.made) == 2


def test_two_calls_for_one_video_at_the_same_time_do_not_meet(place: Place) -> None:
    inner = []

    def again() -> None:
        place.parakeet.meanwhile = lambda: None
        inner.append(place.service.transcribe(place.path, VIDEO))

    place.parakeet.meanwhile = again
    outer = place.service.transcribe(place.path, VIDEO)
    assert (outer.error, inner[0].error) == (None, None)
    assert outer.outputs["words"] == inner[0].outputs["words"]
    assert (place.heard, place.left()) == ((2, 0), [])
