"""What happens to an object that has just appeared in the audio bucket."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core import events
from core.audio import AudioInfo, AudioObject
from core.budget import Budget
from core.errors import AlreadyInProgress, Rejected
from core.events import Event
from core.jobs import Job, Manifest
from core.outcomes import Outcomes
from core.parking import Parked, Parking
from core.ports import Clock, Ledger, Publisher
from core.routing import Reason
from core.transcription import Intake, Topics

Shortcut = Callable[[Job, AudioInfo], Sequence[Reason]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reception:
    """Turns away what is no audio, ends what can never succeed, and requests the rest, or lets it wait.

    Args:
        budget: lets new files wait once the month's is spent.
        parking: where they wait.
        shortcut: the reasons why no GPU could change the route of a file, empty when one could; such a file
            goes straight to the fallback topic, since waking a GPU costs money.
    """

    ledger: Ledger
    intake: Intake
    outcomes: Outcomes
    publisher: Publisher
    clock: Clock
    topics: Topics
    budget: Budget
    parking: Parking
    shortcut: Shortcut

    def run(self, audio: AudioObject) -> Manifest | Event | Parked | None:
        """The outcome of a file that ends here, its request, its place in the parking; None for no audio.

        Raises:
            AlreadyInProgress, Retryable: deliver it again later.
        """
        return self._receive(Job(audio)) if audio.is_audio else None

    def release_parked(self) -> int:
        """Let waiting files go on, those that came first first, while the budget allows; how many did.

        A crash in between lets a file go on twice, which is harmless.

        Raises:
            Retryable: call it again later.
        """
        released = 0
        for job in self.parking.waiting():
            try:
                if isinstance(self._receive(job), Parked):
                    break
            except AlreadyInProgress:
                continue  # somebody works on it: a later call will find its outcome
            self.parking.leave(job)
            released += 1
        return released

    def _receive(self, job: Job) -> Manifest | Event | Parked:
        known = self.ledger.manifest(job)
        if known is not None:
            self.outcomes.announce(known)
            return known
        try:
            _, info = self.intake.examine(job)
            reasons = self.shortcut(job, info)
        except Rejected as error:
            return self.outcomes.close(job, "ingest", error)
        return self.parking.park(job) if self.budget.parks() else self._request(job, reasons)

    def _request(self, job: Job, reasons: Sequence[Reason]) -> Event:
        now = self.clock.now()
        event = events.fallback_requested(job, now, reasons) if reasons else events.requested(job, now)
        self.publisher.publish(self.topics.fallback if reasons else self.topics.requested, event)
        return event
