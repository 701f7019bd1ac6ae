"""A device that neither answers nor fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

import numpy as np
import pytest

from core.batching import Limits
from core.errors import EngineLost, EngineRestarting
from core.hearing import Hearing
from core.scheduler import Scheduler
from core.stages import HANG_S, LOAD_HANG_S
from core.windows import Window
from tests.fakes.clock import FakeClock
from tests.fakes.recognizer import FakeRecognizer, Samples, Stage

PATIENCE_S = 30.0


class Hanging:
    """A model that does not come back from one of its calls until it is let go."""

    def __init__(self, at: Stage = "run") -> None:
        self._at = at
        self.clock, self.entered, self.gate, self.told = FakeClock(), Event(), Event(), list[str]()
        recognizer = FakeRecognizer(lambda _: [], limits=Limits((1.0,), (1,)), script=self._script)
        self.scheduler = Scheduler(
            recognizer, self.clock, on_lost=lambda lost: self.told.append(str(lost)), queue_s=1.0
        )

    def _script(self, stage: Stage, windows: Sequence[Samples]) -> None:
        if stage == self._at:
            self.entered.set()
            assert self.gate.wait(PATIENCE_S)


@pytest.fixture
def hanging(request: pytest.FixtureRequest) -> Iterator[Hanging]:
    found = Hanging(getattr(request, "param", "run"))
    yield found
    found.gate.set()
    found.scheduler.close()


def window(index: int) -> Window:
    return Window(index, index * 16_000, np.zeros(16_000, np.int16), index * 16_000, (index + 1) * 16_000)


@contextmanager
def hearing(hanging: Hanging) -> Iterator[Hearing]:
    with hanging.scheduler.line("job") as line:
        yield Hearing(line, check_s=0.01)


def test_who_waits_for_words_gives_a_hanging_device_up(hanging: Hanging) -> None:
    with hearing(hanging) as job:
        job.take(window(0))
        assert hanging.entered.wait(PATIENCE_S)
        hanging.clock.advance(HANG_S + 1)
        with pytest.raises(EngineLost, match="has not come back for 601 s"):
            job.finish()
    assert len(hanging.told) == 1
    with hanging.scheduler.line("next") as line, pytest.raises(EngineRestarting):
        line.submit(np.zeros(16_000, np.int16))


def test_a_batch_may_take_as_long_as_any_takes(hanging: Hanging) -> None:
    with hearing(hanging) as job:
        job.take(window(0))
        assert hanging.entered.wait(PATIENCE_S)
        hanging.clock.advance(HANG_S)
        hanging.scheduler.check()
        Thread(target=hanging.gate.set).start()
        assert job.finish()[0] == ()
    assert hanging.told == []


@pytest.mark.parametrize("hanging", ["ready"], indirect=True)
def test_a_model_that_never_ends_loading_is_given_up_by_who_waits(hanging: Hanging) -> None:
    with hearing(hanging) as job:
        job.take(window(0))
        assert hanging.entered.wait(PATIENCE_S)
        hanging.clock.advance(LOAD_HANG_S)
        hanging.scheduler.check()
        assert hanging.told == []
        hanging.clock.advance(1)
        with pytest.raises(EngineLost, match="has been loading for 1801 s, expected 1800 s"):
            job.finish()
    assert len(hanging.told) == 1
    hanging.scheduler.close()


@pytest.mark.parametrize("hanging", ["ready"], indirect=True)
def test_a_model_that_comes_after_it_was_given_up_is_not_used(hanging: Hanging) -> None:
    with hanging.scheduler.line("job") as line:
        lost = line.submit(np.zeros(16_000, np.int16))
        assert hanging.entered.wait(PATIENCE_S)
        hanging.clock.advance(LOAD_HANG_S + 1)
        hanging.scheduler.check()
        hanging.gate.set()
        hanging.scheduler.close()
    assert isinstance(lost.exception(PATIENCE_S), EngineLost)
    assert hanging.scheduler.limits is None
