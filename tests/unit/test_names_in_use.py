"""No page and no script sets a name that the code does not read."""

import re
from pathlib import Path

import pytest

from infra.settings import ALIASES, NAMES

ROOT = Path(__file__).parents[2]
SET = re.compile(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=")
OTHERS = {"OMP_NUM_THREADS"}
"""What is set for other programs."""

FILES = sorted(
    path
    for pattern in (
        "*.md",
        "Makefile",
        "docs/**/*.md",
        "examples/*/*.md",
        "terraform/*",
        ".ci/*",
        "scripts/*",
    )
    for path in ROOT.glob(pattern)
    if path.is_file()
)


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])
def test_a_name_that_is_set_is_a_setting(path: Path) -> None:
    assert set(SET.findall(path.read_text(encoding="utf-8"))) - {*NAMES, *ALIASES} <= OTHERS


def test_names_that_are_set_are_found() -> None:
    found = {name for path in FILES for name in SET.findall(path.read_text(encoding="utf-8"))}
    assert {"PARAKEET_MODEL_NAME", "OMP_NUM_THREADS"} <= found
