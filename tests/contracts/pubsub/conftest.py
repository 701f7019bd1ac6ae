import shutil
from collections.abc import Iterator

import pytest

from infra.local.pubsub import PubSubEmulator
from tests.contracts.pubsub.cloud import Cloud, connect
from tests.contracts.pubsub.endpoint import Endpoint
from tests.contracts.pubsub.google import DIFFERENCES, JAR_VARIABLE, find_jar, google_emulator

TIME_SCALE = 20.0
"""The shortest ack deadline, 10 s, takes half a second."""


@pytest.fixture(scope="session", params=["ours", pytest.param("google", marks=pytest.mark.full)])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "ours":
            with PubSubEmulator(time_scale=TIME_SCALE) as emulator:
                cloud = connect("ours", emulator.host, patch.setenv, TIME_SCALE)
                yield from _closing(cloud)
            return
        jar = find_jar()
        if jar is None or shutil.which("java") is None:
            pytest.skip(
                f"unverified: that Google's emulator behaves alike; it needs Java and {JAR_VARIABLE} or the Cloud SDK"
            )
        with google_emulator(jar) as host:
            yield from _closing(connect("google", host, patch.setenv))


def _closing(cloud: Cloud) -> Iterator[Cloud]:
    yield cloud
    cloud.publisher.stop()
    cloud.publisher.transport.close()
    cloud.subscriber.close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not isinstance(item, pytest.Function) or "cloud" not in item.fixturenames:
            continue
        reason = DIFFERENCES.get(item.originalname)
        if reason and "google" in item.name:
            item.add_marker(pytest.mark.xfail(reason=f"Google's emulator {reason}", strict=True))
