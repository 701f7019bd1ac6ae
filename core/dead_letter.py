"""What happens to a message that a subscription gave up."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import events
from core.errors import Retryable
from core.jobs import Manifest
from core.outcomes import Outcomes
from core.ports import Clock, ObjectStore

KEPT_BYTES = 65_536
WORK = (events.REQUESTED, events.FALLBACK_REQUESTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetters:
    """Keeps every given-up message for replay, and ends the job of a work message."""

    store: ObjectStore
    outcomes: Outcomes
    clock: Clock
    state_bucket: str

    def run(self, kind: str, message_id: str, message: Mapping[str, Any], deliveries: int) -> Manifest | None:
        """Keep the message; the failed outcome when it asked for work, None when it did not.

        A notifier's dead letter is parked only: the job's outcome stands.

        Raises:
            AlreadyInProgress, Retryable: deliver it again later.
        """
        job = events.job_of(message["data"]) if kind in WORK else None
        self._keep(f"dead-letters/{job.id if job else 'parked'}/{_digest(message_id.encode())}.json", message)
        if job is None:
            return None
        cause = Retryable(
            f"{job.audio.uri}: given up after {deliveries} deliveries", code="deliveries_exhausted"
        )
        return self.outcomes.close(job, "dead-letter", cause)

    def record_malformed(self, body: bytes, reason: str) -> None:
        """Keep the start of what could not be read, and why."""
        message = {"reason": reason, "body": body[:KEPT_BYTES].decode(errors="replace")}
        self._keep(f"dead-letters/malformed/{self.clock.now().isoformat()}-{_digest(body)}.json", message)

    def _keep(self, name: str, message: Mapping[str, Any]) -> None:
        data = json.dumps(message, ensure_ascii=False).encode()
        self.store.write(self.state_bucket, name, data, content_type="application/json")


def _digest(raw: bytes) -> str:
    """A name that any store takes, whatever a sender put into an id."""
    return hashlib.sha256(raw).hexdigest()[:32]
