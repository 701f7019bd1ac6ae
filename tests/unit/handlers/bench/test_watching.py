import threading

import numpy as np
import pytest

from core.batching import Limits
from handlers.bench.watching import Notes, WatchedRecognizer, bare_s, covered_s
from tests.fakes.recognizer import FakeRecognizer

WINDOW = np.zeros(16_000, np.int16)


@pytest.mark.parametrize(
    ("intervals", "total_s"),
    [
        ([], 0.0),
        ([(1.0, 2.0), (5.0, 7.0)], 3.0),
        ([(1.0, 4.0), (2.0, 3.0)], 3.0),
        ([(2.0, 5.0), (1.0, 3.0)], 4.0),
    ],
)
def test_time_in_which_two_batches_run_counts_once(
    intervals: list[tuple[float, float]], total_s: float
) -> None:
    assert covered_s(intervals) == total_s


def test_batches_are_noted_and_their_windows_kept_where_asked() -> None:
    notes = Notes()
    watched = WatchedRecognizer(FakeRecognizer(lambda samples: []), notes)
    watched.prepare([WINDOW]).run()
    notes.keeps = True
    watched.prepare([WINDOW, WINDOW]).run()
    assert notes.counts == [1, 2]
    assert [len(batch) for batch in notes.batches] == [2]
    assert len(notes.runs) == 2


def test_the_words_are_the_inner_recognizers() -> None:
    watched = WatchedRecognizer(FakeRecognizer(lambda samples: []), Notes())
    assert watched.prepare([WINDOW]).run().words() == [[]]
    assert watched.model == "fake-model"


def test_the_bare_model_runs_as_many_batches_at_once_as_the_engine_does() -> None:
    both = threading.Barrier(2)

    def script(stage: str, windows: object) -> None:
        if stage == "run":
            both.wait(timeout=5)  # passes only when two batches run at the same time

    model = FakeRecognizer(lambda samples: [], limits=Limits((1.0,), (1,), workers=2), script=script)
    assert bare_s(model, [[WINDOW], [WINDOW]]) > 0
    assert len(model.batches) == 2
