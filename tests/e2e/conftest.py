"""One local cloud for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.e2e.chain import Chain, running_chain


@pytest.fixture(scope="package")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with running_chain(tmp_path_factory.mktemp("cloud")) as running:
        yield running
