"""Every stand-in of the local cloud gives way to the real thing by its usual variable."""

from pathlib import Path

import pytest

from infra.local.cloud import start
from infra.local.topology import FUNCTIONS
from tests.e2e.chain import HANDLERS, Chain
from tests.e2e.surroundings import plain

pytestmark = pytest.mark.local_cloud


def test_what_is_named_in_the_environment_is_used_and_not_started(chain: Chain, tmp_path: Path) -> None:
    named = {
        "PUBSUB_EMULATOR_HOST": chain.cloud.exports["PUBSUB_EMULATOR_HOST"],
        "STORAGE_EMULATOR_HOST": chain.cloud.exports["STORAGE_EMULATOR_HOST"],
        "CONVEX_URL": "http://127.0.0.1:9",
        "DEEPGRAM_API_KEY": "made-up",
        "PARAKEET_MODEL_NAME": "nvidia/parakeet-tdt-0.6b-v2",
        "GOOGLE_CLOUD_PROJECT": "another-project",
    }
    cloud = start(tmp_path, HANDLERS, plain(**named))
    try:
        assert set(cloud.processes.running) == set(FUNCTIONS)
        assert {name: cloud.exports[name] for name in cloud.exports.keys() & named} == {
            name: named[name] for name in cloud.exports.keys() & named
        }
        assert cloud.videos_url is None
        assert cloud.model == "nvidia/parakeet-tdt-0.6b-v2"
    finally:
        cloud.stop()
