"""What happens to an object that has just appeared in the audio bucket."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core import events
from core.audio import AudioInfo, AudioObject
from core.errors import Rejected
from core.events import Event
from core.jobs import Job, Manifest
from core.outcomes import Outcomes
from core.ports import Clock, Ledger, Publisher
from core.routing import Reason
from core.transcription import Intake, Topics

Shortcut = Callable[[Job, AudioInfo], Sequence[Reason]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reception:
    """Turns away what is no audio, ends what can never succeed, and requests the rest.

    Args:
        shortcut: the reasons why no GPU could change the route of a file, empty when one could; such a file
            goes straight to the fallback topic, since waking a GPU costs money.
    """

    ledger: Ledger
    intake: Intake
    outcomes: Outcomes
    publisher: Publisher
    clock: Clock
    topics: Topics
    shortcut: Shortcut

    def run(self, audio: AudioObject) -> Manifest | Event | None:
        """The outcome of a file that ends here, the request that was published, or None for no audio.

        Raises:
            AlreadyInProgress, Retryable: deliver it again later.
        """
        if not audio.is_audio:
            return None
        job = Job(audio)
        known = self.ledger.manifest(job)
        if known is not None:
            self.outcomes.announce(known)
            return known
        try:
            _, info = self.intake.examine(job)
            reasons = self.shortcut(job, info)
        except Rejected as error:
            return self.outcomes.close(job, "ingest", error)
        return self._request(job, reasons)

    def _request(self, job: Job, reasons: Sequence[Reason]) -> Event:
        now = self.clock.now()
        event = events.fallback_requested(job, now, reasons) if reasons else events.requested(job, now)
        self.publisher.publish(self.topics.fallback if reasons else self.topics.requested, event)
        return event
