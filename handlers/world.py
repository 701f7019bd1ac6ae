"""The adapters that every use case shares, and the small parts that are made of them."""

from dataclasses import dataclass

from core.accounts import Accounts
from core.outcomes import Outcomes
from core.ports import AudioReader, Clock, Ledger, ObjectStore, Publisher
from core.routing import EngineFacts
from core.transcription import Intake, Topics
from handlers.accounting import accounts_in
from infra.gpu import runs_on_gpu
from infra.settings import Settings


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What the use cases are wired from."""

    settings: Settings
    store: ObjectStore
    publisher: Publisher
    clock: Clock
    reader: AudioReader
    ledger: Ledger

    @property
    def topics(self) -> Topics:
        """Where events go."""
        return Topics(
            requested=self.settings.topic_requested,
            fallback=self.settings.topic_fallback,
            progress=self.settings.topic_progress,
        )

    @property
    def intake(self) -> Intake:
        """What looks at objects first."""
        return Intake(store=self.store, reader=self.reader, max_bytes=self.settings.max_file_bytes)

    @property
    def accounts(self) -> Accounts:
        """What enters each attempt in the books."""
        return accounts_in(self.settings, self.store, self.clock)

    @property
    def outcomes(self) -> Outcomes:
        """What makes outcomes public."""
        return Outcomes(
            store=self.store,
            ledger=self.ledger,
            publisher=self.publisher,
            clock=self.clock,
            accounts=self.accounts,
            state_bucket=self.settings.state_bucket,
            transcript_bucket=self.settings.transcript_bucket,
            completed_topic=self.settings.topic_completed,
        )

    def engine_facts(self) -> EngineFacts:
        """What is known of the engines on this instance."""
        return EngineFacts(
            gpu="ready" if runs_on_gpu(self.settings.parakeet_device) else "unavailable",
            parakeet_rtfx=self.settings.gpu_rtfx,
            cpu_rtfx=self.settings.cpu_rtfx,
            deepgram_available=self.settings.deepgram_available,
        )
