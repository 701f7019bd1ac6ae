"""Attempts for tests, and a look into the books."""

from datetime import UTC, datetime
from typing import Any

from core.attempts import Attempt
from core.billing import Usage
from core.cost import Prices

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HEARD = Usage("parakeet", "m", heard_s=3600.0, active_s=36.0)
BY_DEEPGRAM = Usage("deepgram", "nova-3", heard_s=3600.0, active_s=30.0, billed_s=3600.0, requests=1)
WOKEN = Usage("parakeet", "m", heard_s=3600.0, active_s=36.0, cold_start_s=60.0)


def attempt(*usages: Usage, **changes: Any) -> Attempt:
    """A completed attempt at an hour of audio, but for the changes."""
    plain: dict[str, Any] = {
        "job_id": "a" * 64,
        "run": 1,
        "fence": 1,
        "video_id": "7",
        "service": "parakeet",
        "claimed": NOON,
        "ended": NOON,
        "ending": "completed",
        "code": "",
        "method": "parakeet",
        "audio_s": 3600.0,
        "parts": tuple(map(Prices().priced, usages or (HEARD,))),
        "deepgram_usd": 0.27,
        "is_dear": False,
        "rates": {},
    }
    return Attempt(**{**plain, **changes})
