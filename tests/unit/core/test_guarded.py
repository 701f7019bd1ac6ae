from collections.abc import Sequence

import pytest

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.breaker import REST_S, Breaker
from core.errors import (
    Damaged,
    EngineFailed,
    EngineLost,
    EngineRestarting,
    EngineUnavailable,
    KlipscribeError,
    Retryable,
)
from core.guarded import Guarded, blames_deepgram, blames_parakeet
from core.ports import ObjectNotFound
from tests.fakes.audio import FakeEngine
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import source_of

INFO = AudioInfo(60.0, 16_000, 1, "mp3")

PARAKEET: list[tuple[KlipscribeError, bool]] = [
    (EngineFailed("by chance"), True),
    (EngineFailed("out of memory", code="engine_out_of_memory"), True),
    (EngineFailed("results missing", code="engine_bad_result", deterministic=True), False),
    (EngineFailed("no model", code="engine_model_unavailable", deterministic=True), True),
    (EngineLost("gone"), True),
    (EngineRestarting("others"), False),
    (Retryable("storage", code="storage_unavailable"), False),
    (Damaged("breaks off", code="truncated"), False),
]
DEEPGRAM: list[tuple[KlipscribeError, bool]] = [
    (EngineFailed("401", code="engine_unauthorized", deterministic=True), True),
    (EngineFailed("400", code="engine_refused", deterministic=True), False),
    (EngineFailed("no words", code="engine_bad_result"), True),
    (Retryable("busy", code="quota_exceeded"), True),
    (Retryable("502", code="network_unavailable"), True),
    (Retryable("storage", code="storage_unavailable"), False),
    (Damaged("breaks off", code="truncated"), False),
]


@pytest.mark.parametrize(("error", "blamed"), PARAKEET)
def test_parakeet_is_blamed_for_what_another_file_might_meet_too(
    error: KlipscribeError, blamed: bool
) -> None:
    assert blames_parakeet(error) == blamed


@pytest.mark.parametrize(("error", "blamed"), DEEPGRAM)
def test_deepgram_is_blamed_for_its_own_refusals_and_absence(error: KlipscribeError, blamed: bool) -> None:
    assert blames_deepgram(error) == blamed


class Rig:
    """A guarded engine, and files that each have a name of their own."""

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.clock, self.files = FakeClock(), 0
        self.engine = FakeEngine("parakeet", self.clock, takes_s=0.0)
        self.engine.failures = list(failures)
        self.breaker = Breaker(self.clock)
        self.guarded = Guarded(self.engine, self.breaker, blames_parakeet)

    @property
    def is_closed(self) -> bool:
        return self.breaker.status.state == "closed"

    def hear(self, bill: Bill | None = None) -> object:
        self.files += 1
        return self.guarded.transcribe(self.source(f"{self.files}.mp3"), INFO, bill or Bill())

    def source(self, name: str) -> AudioSource:
        return source_of(b"audio", name)

    def fail(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(EngineFailed):
                self.hear()


def test_a_broken_engine_is_asked_three_times_and_then_left_alone() -> None:
    rig = Rig([EngineFailed("broken")] * 9)
    rig.fail(3)
    bill = Bill()
    with pytest.raises(EngineUnavailable, match="parakeet rests for another 30 s, after failures at 3 files"):
        rig.hear(bill)
    assert rig.engine.heard == 3
    assert bill.usages == ()


def test_after_its_rest_one_file_shows_that_the_engine_works_again() -> None:
    rig = Rig([EngineFailed("broken")] * 3)
    rig.fail(3)
    rig.clock.advance(REST_S)
    rig.hear()
    rig.hear()
    assert rig.breaker.status.state == "closed"


def test_while_one_file_tries_the_others_learn_so_at_once() -> None:
    rig = Rig([EngineFailed("broken")] * 3)
    rig.fail(3)
    rig.clock.advance(REST_S)

    def meanwhile() -> None:
        rig.engine.meanwhile = lambda: None
        with pytest.raises(EngineUnavailable, match="while a file tries it"):
            rig.hear()

    rig.engine.meanwhile = meanwhile
    rig.hear()
    assert rig.breaker.status.state == "closed"


def test_bad_files_never_open_the_breaker() -> None:
    rig = Rig([Damaged("breaks off", code="truncated"), ObjectNotFound("gone"), Retryable("storage")] * 3)
    for _ in range(9):
        with pytest.raises((Damaged, ObjectNotFound, Retryable)):
            rig.hear()
    assert rig.breaker.status.state == "closed"


@pytest.mark.parametrize("odd", [Damaged("breaks off", code="truncated"), ZeroDivisionError()])
def test_a_trial_that_says_nothing_of_the_engine_is_followed_by_another(odd: Exception) -> None:
    rig = Rig([*[EngineFailed("broken")] * 3, odd])
    rig.fail(3)
    rig.clock.advance(REST_S)
    with pytest.raises(type(odd)):
        rig.hear()
    assert not rig.is_closed
    rig.hear()
    assert rig.is_closed


def test_the_engine_keeps_its_name() -> None:
    rig = Rig()
    assert (rig.guarded.name, rig.guarded.model) == ("parakeet", "parakeet-fake")
