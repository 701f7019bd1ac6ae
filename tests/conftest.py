"""Fixtures that more than one folder needs."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.engine_options import EngineOptions
from infra.log import configure
from infra.machine import cores
from infra.parakeet import ParakeetRecognizer
from tests.log_lines import Lines
from tests.recordings import Recording
from tests.recordings import forty_five_minutes as make_forty_five_minutes

TINY_MODEL = Path(__file__).parent.parent / "infra/local/assets/parakeet-tiny/parakeet-tdt-tiny.nemo"


@pytest.fixture(scope="session")
def tiny_model() -> ParakeetRecognizer:
    """The bundled model, loaded once for all tests marked asr: NeMo takes 10 s and 700 MB."""
    # One thread for each batch: with more, a busy machine makes so small a model ten times slower, since they
    # spin while they wait.
    recognizer = ParakeetRecognizer(str(TINY_MODEL), EngineOptions(device="cpu", workers=cores()))
    recognizer.ready()
    return recognizer


@pytest.fixture(scope="session")
def forty_five_minutes(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A recording of 45 minutes, made once."""
    return make_forty_five_minutes(tmp_path_factory.mktemp("recordings"))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged. caplog sees nothing once a module was imported that configures the log."""
    root, ours = logging.getLogger(), logging.getLogger("klipscribe")
    before = root.handlers[:], root.level, ours.level
    stream = Lines()
    configure("INFO", stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
