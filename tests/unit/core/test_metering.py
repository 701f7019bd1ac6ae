import pytest

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.errors import EngineFailed
from core.metering import InstanceMeter, Metered
from core.transcript import Transcript
from tests.fakes.clock import FakeClock
from tests.fakes.recordings import source_of

INFO = AudioInfo(60.0, 16_000, 1, "mp3")


class Hears:
    """Takes five seconds for a minute of silence, or fails after them."""

    name, model = "parakeet", "small"

    def __init__(self, clock: FakeClock, error: Exception | None = None) -> None:
        self._clock, self._error = clock, error

    def transcribe(self, source: AudioSource, info: AudioInfo) -> Transcript:
        self._clock.advance(5.0)
        if self._error:
            raise self._error
        return Transcript((), 60.0, self.name, self.model, "en")


def test_attempts_at_the_same_time_share_the_instance_and_pay_all_of_it_once() -> None:
    clock = FakeClock()
    meter = InstanceMeter(clock)
    clock.advance(30)
    with meter.share() as one:
        clock.advance(10)
        with meter.share() as two:
            clock.advance(8)
        clock.advance(1)
    clock.advance(100)
    with meter.share() as three:
        clock.advance(3)
    assert (one.cold_start_s, one.active_s, one.idle_s) == (30, 15, 0)
    assert (two.cold_start_s, two.active_s, two.idle_s) == (0, 4, 0)
    assert (three.cold_start_s, three.active_s, three.idle_s) == (0, 3, 100)
    paid_s = sum(share.cold_start_s + share.active_s + share.idle_s for share in (one, two, three))
    assert paid_s == 30 + 10 + 8 + 1 + 100 + 3


def test_who_wakes_an_instance_pays_for_the_time_since_it_started() -> None:
    clock = FakeClock()
    meter = InstanceMeter(clock, started_s=clock.monotonic() - 40)
    with meter.share() as share:
        pass
    assert share.cold_start_s == 40


def test_what_an_engine_heard_and_used_is_on_the_bill() -> None:
    clock, bill = FakeClock(), Bill()
    Metered(Hears(clock), InstanceMeter(clock), "parakeet").transcribe(source_of(b""), INFO, bill)
    (usage,) = bill.usages
    assert (usage.runner, usage.model, usage.heard_s, usage.active_s) == ("parakeet", "small", 60.0, 5.0)


def test_a_failed_attempt_is_paid_for_and_has_heard_nothing() -> None:
    clock, bill = FakeClock(), Bill()
    engine = Metered(Hears(clock, EngineFailed("no")), InstanceMeter(clock), "parakeet_cpu")
    with pytest.raises(EngineFailed):
        engine.transcribe(source_of(b""), INFO, bill)
    (usage,) = bill.usages
    assert (usage.runner, usage.heard_s, usage.active_s) == ("parakeet_cpu", 0.0, 5.0)
