import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.router import TranscriptionHandler, TranscriptionRouter

SHIM = Path(__file__).parents[3] / "examples" / "legacy-shim"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(SHIM))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "raw_pipeline"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("module", "name", "ours"),
    [
        ("raw_pipeline.transcriber", "TranscriptionHandler", TranscriptionHandler),
        ("raw_pipeline.transcription", "TranscriptionRouter", TranscriptionRouter),
        ("raw_pipeline.transcription.router", "TranscriptionRouter", TranscriptionRouter),
        ("raw_pipeline.transcription.router", "TranscriptionHandler", TranscriptionHandler),
    ],
)
def test_an_old_import_path_gives_our_class(module: str, name: str, ours: type) -> None:
    assert getattr(importlib.import_module(module), name) is ours


def test_the_shim_replaces_no_other_module_of_the_pipeline() -> None:
    modules = {str(path.relative_to(SHIM)) for path in SHIM.rglob("*.py")}
    assert modules == {
        "raw_pipeline/transcriber.py",
        "raw_pipeline/transcription/__init__.py",
        "raw_pipeline/transcription/router.py",
    }
