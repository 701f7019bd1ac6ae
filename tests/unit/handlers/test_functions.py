"""The five functions over a world of fakes: from a push to what is published, stored and answered."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import flask
import pytest

from core import events
from core.audio import AudioInfo, AudioObject, AudioSource
from core.billing import Bill
from core.errors import Retryable
from core.jobs import Job
from core.notification import Notification
from core.ports import Block
from core.transcript import Transcript
from handlers import bootstrap, dead_letter, ingest, notify, transcribe
from handlers.outcome import Handle, answer
from handlers.world import World
from infra import settings
from infra.ledger import ObjectLedger
from infra.local.memory import MemoryPublisher, MemoryStore
from tests.fakes.clock import FakeClock
from tests.fakes.videos import FakeVideos
from tests.log_lines import Lines
from tests.payloads import Payload, payload

STATE, AUDIO = "klipscribe-state", "klipstream-vods-raw"
NAME = "2434635255/audio_2434635255.mp3"


class HeaderReader:
    """core.ports.AudioReader that knows what any header says, and never decodes."""

    def probe(self, source: AudioSource) -> AudioInfo:
        return AudioInfo(60.0, 44_100, 2, "mp3")

    def blocks(self, source: AudioSource) -> Iterator[Block]:
        raise AssertionError("nothing here decodes")


class BusyEngine:
    """core.ports.Engine that is never free."""

    name, model = "busy", "none"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        self.asked.append(source.object.name)
        raise Retryable("busy", code="quota_exceeded")


@dataclass
class Rig:
    """A world of fakes, and the functions over it."""

    clock: FakeClock = field(default_factory=FakeClock)
    publisher: MemoryPublisher = field(default_factory=MemoryPublisher)
    environ: dict[str, str] = field(default_factory=dict)
    engine: BusyEngine = field(default_factory=BusyEngine)

    def __post_init__(self) -> None:
        self.store = MemoryStore(self.clock)

    @property
    def world(self) -> World:
        return World(
            settings=settings.load(self.environ),
            store=self.store,
            publisher=self.publisher,
            clock=self.clock,
            reader=HeaderReader(),
            ledger=ObjectLedger(store=self.store, bucket=STATE, owner="test", clock=self.clock),
        )

    def post(self, handle: Handle, request: Payload) -> int:
        record = bootstrap.dead_letters_in(self.world).record_malformed
        headers = {key: value for key, value in request.headers.items() if "_" not in key}
        with flask.Flask("test").test_request_context("/", method="POST", data=request.raw, headers=headers):
            return answer(flask.request, handle, record).status_code

    def ingest(self, request: Payload) -> int:
        return self.post(partial(ingest.handle, bootstrap.reception_in(self.world)), request)

    def transcribe(self, request: Payload) -> int:
        engines = {"parakeet": self.engine, "parakeet_cpu": self.engine}
        use_case = bootstrap.transcription_in(self.world, engines, self.world.engine_facts)
        return self.post(partial(transcribe.handle, use_case, events.REQUESTED), request)

    def fallback(self, request: Payload) -> int:
        use_case = bootstrap.fallback_in(self.world, self.engine)
        return self.post(partial(transcribe.handle, use_case, events.FALLBACK_REQUESTED), request)

    def dead_letter(self, request: Payload) -> int:
        return self.post(partial(dead_letter.handle, bootstrap.dead_letters_in(self.world)), request)

    def notify(self, request: Payload, notification: Notification | None) -> int:
        return self.post(partial(notify.handle, notification), request)

    def kept(self, prefix: str = "dead-letters/") -> list[Any]:
        return [json.loads(self.store.read(STATE, found.name)) for found in self.store.list(STATE, prefix)]

    def upload(self) -> Payload:
        """The notification of an object that is really in the store."""
        stored = self.store.write(AUDIO, NAME, b"ID3", content_type="audio/mpeg")
        return payload("storage_finalize").with_data(generation=str(stored.generation))

    def requested(self, kind: str) -> Payload:
        """A request of a kind for an object that is really in the store."""
        stored = self.store.write(AUDIO, NAME, b"ID3", content_type="audio/mpeg")
        job = Job(AudioObject(AUDIO, NAME, stored.generation, 3, "audio/mpeg"))
        data = events.requested(job, self.clock.now()).data
        return of_type(kind, payload("requested").carrying(json.dumps(data).encode()))


def of_type(kind: str, request: Payload) -> Payload:
    return request.with_message(attributes={**request.body["message"]["attributes"], "ce-type": kind})


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_an_upload_becomes_a_request(rig: Rig, lines: Lines) -> None:
    assert rig.ingest(rig.upload()) == 204
    [(topic, event)] = rig.publisher.published
    assert (topic, event.type) == ("transcription-requested", events.REQUESTED)
    assert event.data["audio"]["name"] == NAME
    assert lines.one()["job_id"] == event.data["job_id"]


def test_a_removal_is_passed_over(rig: Rig, lines: Lines) -> None:
    assert rig.ingest(payload("storage_delete")) == 204
    assert rig.publisher.published == []
    assert lines.one()["outcome"] == "ignored"


def test_an_object_that_is_no_audio_is_passed_over(rig: Rig) -> None:
    assert rig.ingest(payload("storage_finalize").with_data(name="2434635255/video.mp4")) == 204
    assert rig.publisher.published == []


def test_an_upload_that_is_gone_already_ends_failed(rig: Rig, lines: Lines) -> None:
    assert rig.ingest(payload("storage_finalize")) == 204
    [event] = rig.publisher.on("transcription-completed")
    assert (event.type, event.data["code"]) == (events.FAILED, "source_deleted")
    assert lines.one()["job_id"] == event.data["job_id"]


def test_an_upload_without_a_generation_is_recorded_and_acked(rig: Rig, lines: Lines) -> None:
    request = payload("storage_finalize").with_data(generation="seven")
    assert rig.ingest(request) == 204
    [record] = rig.kept("dead-letters/malformed/")
    assert json.loads(record["body"]) == request.body
    assert rig.publisher.published == []


@pytest.mark.parametrize("function", ["transcribe", "fallback"])
@pytest.mark.parametrize("name", ["storage_finalize", "eventarc_storage_finalized"])
def test_a_message_for_another_function_is_recorded_and_acked(
    rig: Rig, lines: Lines, function: str, name: str
) -> None:
    assert getattr(rig, function)(payload(name)) == 204
    assert len(rig.kept("dead-letters/malformed/")) == 1
    assert lines.one()["severity"] == "ERROR"


def test_a_request_for_the_gpu_is_not_taken_by_the_fallback(rig: Rig, lines: Lines) -> None:
    assert rig.fallback(payload("requested")) == 204
    assert rig.publisher.published == []
    assert len(rig.kept("dead-letters/malformed/")) == 1


@pytest.mark.parametrize("name", ["requested", "requested_unwrapped"])
def test_a_request_whose_audio_is_gone_ends_failed(rig: Rig, lines: Lines, name: str) -> None:
    assert rig.transcribe(payload(name)) == 204
    [event] = rig.publisher.on("transcription-completed")
    assert event.data["code"] == "source_deleted"
    line = lines.read_all()[-1]
    assert (line["outcome"], line["job_id"]) == ("failed", event.data["job_id"])


@pytest.mark.parametrize("function", ["transcribe", "fallback"])
def test_a_request_reaches_its_engine_and_waits_when_that_is_busy(
    rig: Rig, lines: Lines, function: str
) -> None:
    rig.environ = {"ALLOW_CPU_PARAKEET": "true", "CPU_RTFX": "100", "DEEPGRAM_API_KEY": "made-up"}
    if function == "transcribe":
        rig.environ["ALLOW_DEEPGRAM"] = "false"
    request = rig.requested(events.REQUESTED if function == "transcribe" else events.FALLBACK_REQUESTED)
    assert getattr(rig, function)(request) == 503
    assert rig.engine.asked == [NAME]
    assert lines.read_all()[-1]["code"] == "quota_exceeded"
    assert rig.publisher.on("transcription-completed") == []


def test_a_request_that_was_given_up_ends_its_job_and_is_kept(rig: Rig, lines: Lines) -> None:
    assert rig.dead_letter(payload("requested_dead_letter")) == 204
    [event] = rig.publisher.on("transcription-completed")
    assert (event.type, event.data["code"]) == (events.FAILED, "deliveries_exhausted")
    assert "given up after 5 deliveries" in event.data["message"]
    [kept] = rig.kept()
    assert kept["type"] == events.REQUESTED
    assert kept["data"]["job_id"] == event.data["job_id"]
    line = lines.one()
    assert (line["subscription"], line["deliveries"], line["outcome"]) == ("transcribe", 5, "failed")


def test_a_notification_that_was_given_up_is_parked_only(rig: Rig, lines: Lines) -> None:
    assert rig.dead_letter(payload("storage_finalize_dead_letter")) == 204
    assert rig.publisher.published == []
    assert len(rig.kept("dead-letters/parked/")) == 1
    assert lines.one()["outcome"] == "parked"


def outcome_push(kind: str, **data: Any) -> Payload:
    audio = AudioObject(AUDIO, NAME, 7)
    body = {"video_id": "2434635255", "generation": "7", "run": 1, "job_id": Job(audio).id, **data}
    return of_type(kind, payload("requested").carrying(json.dumps(body).encode()))


def test_a_start_is_written_into_the_record_of_the_video(rig: Rig, lines: Lines) -> None:
    videos = FakeVideos({"2434635255": "Downloading"})
    notification = Notification(videos=videos, store=rig.store, state_bucket=STATE)
    assert rig.notify(outcome_push(events.STARTED), notification) == 204
    assert videos.status("2434635255") == "Transcribing"
    assert lines.one()["outcome"] == "written"


def test_a_video_that_nobody_knows_is_a_warning_and_an_ack(rig: Rig, lines: Lines) -> None:
    notification = Notification(videos=FakeVideos({}), store=rig.store, state_bucket=STATE)
    assert rig.notify(outcome_push(events.STARTED), notification) == 204
    assert (lines.one()["severity"], lines.one()["outcome"]) == ("WARNING", "unknown_video")


def test_without_a_database_the_notifier_says_so_and_acks(rig: Rig, lines: Lines) -> None:
    assert bootstrap.notification_in(rig.world) is None
    assert rig.notify(outcome_push(events.COMPLETED), None) == 204
    assert "CONVEX_URL" in lines.one()["message"]


def test_the_notifier_records_a_request_as_malformed(rig: Rig, lines: Lines) -> None:
    assert rig.notify(payload("requested"), None) == 204
    assert len(rig.kept("dead-letters/malformed/")) == 1


def test_a_database_is_notified_with_the_key_of_the_settings(rig: Rig) -> None:
    rig.environ = {"CONVEX_URL": "https://convex.invalid", "CONVEX_DEPLOY_KEY": "prod:5f3a"}
    notification = bootstrap.notification_in(rig.world)
    assert notification is not None
    assert "5f3a" not in repr(notification)
