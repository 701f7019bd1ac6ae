import pytest

from core.audio import AudioInfo, AudioSource
from core.billing import Bill, Usage
from core.errors import Retryable
from core.teaching import Teaching
from core.transcript import Transcript
from tests.fakes.recordings import source_of

INFO = AudioInfo(600.0, 16_000, 1, "mp3")


class Bills:
    """core.ports.Engine that puts what it is told on the bill."""

    name, model = "deepgram", "nova-3"

    def __init__(self, *usages: Usage, error: Exception | None = None) -> None:
        self._usages, self._error = usages, error

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        for usage in self._usages:
            bill.add(usage)
        if self._error:
            raise self._error
        return Transcript((), info.duration_s, self.name, self.model)


def taught(engine: Bills, bill: Bill) -> list[tuple[float, float]]:
    learnt: list[tuple[float, float]] = []
    Teaching(engine, lambda audio_s, work_s: learnt.append((audio_s, work_s))).transcribe(
        source_of(b""), INFO, bill
    )
    return learnt


def usage(heard_s: float, active_s: float, billed_s: float) -> Usage:
    return Usage("deepgram", "nova-3", heard_s=heard_s, active_s=active_s, billed_s=billed_s)


def test_each_part_that_was_heard_and_paid_teaches_and_stays_on_the_bill() -> None:
    parts = usage(300, 3, 300), usage(300, 6, 300)
    bill = Bill()
    bill.add(usage(1, 1, 1))
    assert taught(Bills(*parts), bill) == [(300, 3), (300, 6)]
    assert bill.usages[1:] == parts


def test_an_answer_that_was_there_already_says_nothing_of_speed() -> None:
    assert taught(Bills(usage(600, 0.01, 0)), Bill()) == []


def test_a_failure_teaches_nothing_and_is_billed() -> None:
    bill, learnt = Bill(), list[float]()
    engine = Bills(usage(0, 30, 600), error=Retryable("busy"))
    with pytest.raises(Retryable):
        Teaching(engine, lambda audio_s, work_s: learnt.append(audio_s)).transcribe(
            source_of(b""), INFO, bill
        )
    assert (learnt, len(bill.usages)) == ([], 1)


def test_the_engine_keeps_its_name() -> None:
    teaching = Teaching(Bills(), lambda audio_s, work_s: None)
    assert (teaching.name, teaching.model) == ("deepgram", "nova-3")
