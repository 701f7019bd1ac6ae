import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.local.pubsub import PubSubEmulator
from tests.contracts.pubsub.cloud import Cloud, connect
from tests.contracts.pubsub.endpoint import Endpoint
from tests.contracts.pubsub.google import DIFFERENCES, JAR_VARIABLE, find_jar, google_emulator

TIME_SCALE = 20.0
"""The shortest ack deadline, 10 s, takes half a second."""


@pytest.fixture(scope="package", params=["ours", pytest.param("google", marks=pytest.mark.full)])
def shared_cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with ExitStack() as stack:
        if request.param == "ours":
            host = stack.enter_context(PubSubEmulator(time_scale=TIME_SCALE)).host
            scale = TIME_SCALE
        else:
            host = stack.enter_context(google_emulator(_installed_jar()))
            scale = 1.0
        yield stack.enter_context(connect(request.param, host, scale))


@pytest.fixture
def cloud(shared_cloud: Cloud) -> Iterator[Cloud]:
    yield shared_cloud
    shared_cloud.forget()


def _installed_jar() -> Path:
    jar = find_jar()
    if jar is None or shutil.which("java") is None:
        pytest.skip(
            f"unverified: Google's own emulator behaves alike (needs Java, and gcloud or {JAR_VARIABLE})"
        )
    return jar


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect what Google's emulator is known to do differently."""
    for item in items:
        reason = DIFFERENCES.get(re.sub(r"\[google-?", "[", item.name).removesuffix("[]"))
        if reason and "[google" in item.name:
            item.add_marker(pytest.mark.xfail(reason=f"Google's emulator {reason}", strict=True))
