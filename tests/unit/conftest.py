"""Fixtures of the unit tests."""

import logging
from collections.abc import Iterator

import pytest

from infra.log import configure
from tests.log_lines import Lines


@pytest.fixture
def lines() -> Iterator[Lines]:
    root, ours = logging.getLogger(), logging.getLogger("klipscribe")
    before = root.handlers[:], root.level, ours.level
    stream = Lines()
    configure("INFO", stream)
    yield stream
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
