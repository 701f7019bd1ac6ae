"""What the GPU service tells of itself while it runs."""

import json

import httpx
import pytest

from infra.heartbeat import PREFIX
from infra.local.samples import samples
from tests.e2e.chain import Chain
from tests.waiting import wait_until

pytestmark = [pytest.mark.local_cloud, pytest.mark.asr]

GREETING = next(sample for sample in samples() if sample.path.name == "greeting.flac")


def test_a_service_that_has_heard_a_file_shows_its_engine_and_says_that_it_lives(chain: Chain) -> None:
    assert chain.outcome(chain.drop(GREETING.path, video_id="9901"))["outcome"] == "completed"
    health = httpx.get(chain.cloud.functions["transcribe"], trust_env=False).json()
    assert health["engines"]["parakeet"]["breaker"] == "closed"
    [name] = wait_until(lambda: chain.state(PREFIX) or None)
    beat = json.loads(chain.store.read(chain.settings.state_bucket, name))
    assert (beat["breaker"], beat["rtfx"]) == ("closed", 40)
