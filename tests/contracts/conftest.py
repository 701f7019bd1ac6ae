"""Fixtures that several suites of this folder share."""

from collections.abc import Iterator

import pytest
from google.cloud import storage

from infra.gcs import storage_client
from tests.contracts.storage import BUCKET, PROJECT, fake_gcs_server
from tests.convex.backends import Functions, missing_for_functions, running_shim


@pytest.fixture(scope="package")
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


@pytest.fixture(scope="package")
def gcs_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[storage.Client]:
    """Google's client of a real fake-gcs-server with one bucket."""
    with fake_gcs_server(tmp_path_factory.mktemp("storage")) as url:
        client = storage_client(PROJECT, url)
        client.create_bucket(BUCKET)
        yield client
        client.close()
