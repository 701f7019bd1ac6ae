"""Fixtures that several suites of this folder share."""

from collections.abc import Iterator

import pytest

from tests.convex.backends import Functions, missing_for_functions, running_shim


@pytest.fixture(scope="session")
def shim() -> Iterator[Functions]:
    if reason := missing_for_functions():
        pytest.skip(reason)
    with running_shim() as url:
        backend = Functions(url)
        yield backend
        backend.close()


@pytest.fixture
def functions(shim: Functions) -> Functions:
    shim.reset()
    return shim
