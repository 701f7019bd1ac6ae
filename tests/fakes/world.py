"""All use cases over memory, wired the way that the service wires them over the cloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from core.accounts import Accounts
from core.attempts import Attempt, Tariff
from core.audio import AudioObject
from core.budget import Budget, WhenSpent
from core.cost import Prices
from core.dead_letter import DeadLetters
from core.formats import Kind, OutputFile, render
from core.jobs import Job
from core.notification import Notification
from core.outcomes import Outcomes
from core.parking import Parking
from core.ports import ObjectStore, Publisher
from core.reception import Reception
from core.routing import Reason, Route
from core.transcript import Transcript
from core.transcript_json import Origin
from core.transcription import Intake, Topics, Transcription
from infra.books import ObjectBooks
from infra.ledger import ObjectLedger
from infra.local.memory import MemoryPublisher, MemoryStore
from tests.fakes.audio import FakeEngine, FakeReader
from tests.fakes.clock import FakeClock
from tests.fakes.videos import FakeVideos

AUDIO, STATE, TRANSCRIPTS = "audio", "state", "transcripts"
COMPLETED = "completed"
TOPICS = Topics(requested="requested", fallback="fallback", progress="progress")
VIDEO = "2434635255"
NAME = f"{VIDEO}/audio_{VIDEO}.mp3"
MAX_BYTES = 1000
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class World:
    """The fakes, and the use cases over them.

    Args:
        store: what the use cases see; `memory` behind it unless a test puts something between.
        publisher: the same, with `broker` behind it.
        method: the route that the GPU service is told.
        may_fall_back: whether a failure of Parakeet may move a job to Deepgram.
        shortcut: the reasons of ingest to pass the GPU by.
        success_status: what the notifier writes after a success.
        spent_usd: what the month has cost so far.
        budget_usd: what it may cost.
        when_spent: what then becomes of new files.
        dear_usd_per_hour: what an attempt may cost for an hour of audio before it is called dear.
    """

    clock: FakeClock
    memory: MemoryStore
    broker: MemoryPublisher
    store: ObjectStore
    publisher: Publisher
    reader: FakeReader
    parakeet: FakeEngine
    deepgram: FakeEngine
    videos: FakeVideos
    owner: str = "instance"
    wait_s: float = 0.0
    method: str = "parakeet"
    may_fall_back: bool = True
    shortcut: Sequence[Reason] = ()
    success_status: str = ""
    spent_usd: float = 0.0
    budget_usd: float = 1000.0
    when_spent: WhenSpent = "park"
    dear_usd_per_hour: float = 0.10
    noted: list[Attempt] = field(default_factory=list)

    def but(self, **changes: Any) -> "World":
        """The same world, seen in another way."""
        return replace(self, **changes)

    @property
    def ledger(self) -> ObjectLedger:
        return ObjectLedger(
            store=self.store, bucket=STATE, owner=self.owner, clock=self.clock, wait_s=self.wait_s
        )

    @property
    def intake(self) -> Intake:
        return Intake(store=self.store, reader=self.reader, max_bytes=MAX_BYTES)

    @property
    def books(self) -> ObjectBooks:
        return ObjectBooks(self.store, STATE)

    @property
    def accounts(self) -> Accounts:
        tariff = Tariff(Prices(), self.dear_usd_per_hour)
        return Accounts(books=self.books, clock=self.clock, tariff=tariff, note=self.noted.append)

    @property
    def outcomes(self) -> Outcomes:
        return Outcomes(
            store=self.store,
            ledger=self.ledger,
            publisher=self.publisher,
            clock=self.clock,
            accounts=self.accounts,
            state_bucket=STATE,
            transcript_bucket=TRANSCRIPTS,
            completed_topic=COMPLETED,
        )

    def reception(self) -> Reception:
        return Reception(
            ledger=self.ledger,
            intake=self.intake,
            outcomes=self.outcomes,
            publisher=self.publisher,
            clock=self.clock,
            topics=TOPICS,
            budget=Budget(self.budget_usd, self.when_spent, lambda: self.spent_usd),
            parking=Parking(store=self.store, clock=self.clock, state_bucket=STATE),
            shortcut=lambda job, info: self.shortcut,
        )

    def transcription(self) -> Transcription:
        """The GPU service's."""
        return self._transcription(self.parakeet, self.method, may_fall_back=self.may_fall_back)

    def fallback(self) -> Transcription:
        """The fallback's."""
        return self._transcription(self.deepgram, "deepgram", may_fall_back=False)

    def dead_letters(self) -> DeadLetters:
        return DeadLetters(store=self.store, outcomes=self.outcomes, clock=self.clock, state_bucket=STATE)

    def notification(self) -> Notification:
        return Notification(
            videos=self.videos, store=self.store, state_bucket=STATE, success_status=self.success_status
        )

    def _transcription(self, engine: FakeEngine, method: str, *, may_fall_back: bool) -> Transcription:
        return Transcription(
            ledger=self.ledger,
            intake=self.intake,
            outcomes=self.outcomes,
            publisher=self.publisher,
            clock=self.clock,
            accounts=self.accounts,
            topics=TOPICS,
            engines={engine.name: engine},
            engine=engine.name,
            choose=lambda job, info: _route(method),
            render=_render,
            may_fall_back=lambda job: may_fall_back,
        )

    def upload(
        self, name: str = NAME, data: bytes = b"audio", metadata: Mapping[str, str] | None = None
    ) -> AudioObject:
        """Put an object in the audio bucket; what the event about it says."""
        stored = self.memory.write(AUDIO, name, data, metadata=metadata or {})
        return AudioObject(AUDIO, name, stored.generation, stored.size_bytes, "", stored.metadata)

    def job(self, **upload: Any) -> Job:
        """A job over a new upload."""
        return Job(self.upload(**upload))

    def files(self, bucket: str = TRANSCRIPTS) -> dict[str, bytes]:
        """All objects of a bucket."""
        return {found.name: self.memory.read(bucket, found.name) for found in self.memory.list(bucket)}

    def state(self, ending: str) -> list[str]:
        """The names in the state bucket that end so."""
        return [name for name in self.files(STATE) if name.endswith(ending)]

    def kinds(self, topic: str) -> list[str]:
        """The kinds of the events on a topic, such as completed."""
        return [event.type.split(".")[-2] for event in self.broker.on(topic)]


def world(**changes: Any) -> World:
    """A world in which nothing has happened yet, and everything works."""
    clock = FakeClock()
    memory, broker = MemoryStore(clock), MemoryPublisher()
    plain = World(
        clock=clock,
        memory=memory,
        broker=broker,
        store=memory,
        publisher=broker,
        reader=FakeReader(),
        parakeet=FakeEngine("parakeet", clock),
        deepgram=FakeEngine("deepgram", clock),
        videos=FakeVideos({VIDEO: "Generating waveform"}),
    )
    return plain.but(**changes)


def _route(method: Any) -> Route:
    return Route(method, (Reason("matrix", f"{method} it is"),), 1.0, 0.01)


def _render(job: Job, transcript: Transcript) -> dict[Kind, OutputFile]:
    """With a fixed time of creation, so that two attempts give the same bytes."""
    origin = Origin(
        job_id=job.id,
        video_id=job.audio.video_id,
        audio=job.audio.uri,
        generation=job.audio.generation,
        created=CREATED,
    )
    return render(transcript, origin)
