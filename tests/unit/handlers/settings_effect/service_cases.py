"""Settings that say with whom the services talk, where things lie, and what is seen of it."""

import asyncio
import io
import logging
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from core import events
from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.errors import AlreadyInProgress, EngineFailed, RecordRefused, Retryable
from core.jobs import Job
from core.transcript import Transcript
from handlers import bootstrap
from handlers.deepgram import deepgram_engine
from handlers.in_process import Engines, InProcess
from handlers.router import TranscriptionHandler
from infra.convex import ConvexVideos
from infra.deepgram import DeepgramEngine
from infra.gcs import storage_client
from infra.local.samples import samples
from infra.log import configure
from infra.pubsub import publisher_client
from tests.fakes.audio import FakeEngine
from tests.fakes.videos import FakeVideos
from tests.unit.handlers.settings_effect.case import GPU, KEY, Case
from tests.unit.handlers.settings_effect.rig import VIDEO, Rig

VODS, STATE, TRANSCRIPTS = "klipstream-vods-raw", "klipscribe-state", "klipstream-transcripts"
FORCED = {**GPU, "FORCE_DEEPGRAM_TRANSCRIPTION": "true"}
ASKING = {**KEY, "DEEPGRAM_BASE_URL": "{url}"}
HERE, THERE = "http://127.0.0.1:1001", "http://127.0.0.1:1003"
THEIRS = {"STORAGE_EMULATOR_HOST": HERE, "GOOGLE_CLOUD_PROJECT": "theirs"}


def deepgram_asked(rig: Rig) -> object:
    """Where the server in Deepgram's place was asked."""
    audio = rig.upload()
    with suppress(EngineFailed):
        deepgram_engine(rig.settings, rig.clock).transcribe(
            AudioSource(audio, rig.store), AudioInfo(5.0, 8_000, 1, "mp3"), Bill()
        )
    return [urlsplit(asked.path).path for asked in rig.server.asked]


def model_asked(rig: Rig) -> object:
    deepgram_asked(rig)
    return [parse_qs(urlsplit(asked.path).query)["model"] for asked in rig.server.asked]


def has_a_second_place(rig: Rig) -> object:
    """Whether a second request to Deepgram may be under way beside the first."""
    engine = deepgram_engine(rig.settings, rig.clock)
    assert isinstance(engine, DeepgramEngine)
    assert engine.places is not None
    with engine.places.one(0):
        try:
            with engine.places.one(0):
                return True
        except Retryable:
            return False


def convex_asked(rig: Rig) -> object:
    """With what authorization the server in Convex's place was asked; None when there is no notifier."""
    notification = bootstrap.notification_in(rig.world)
    if notification is None:
        return None
    assert isinstance(notification.videos, ConvexVideos)
    with suppress(RecordRefused):
        notification.videos.status(VIDEO)
    notification.videos.close()
    return [asked.headers.get("Authorization") for asked in rig.server.asked]


def status_after_success(rig: Rig) -> object:
    notification = bootstrap.notification_in(rig.world)
    assert notification is not None
    assert isinstance(notification.videos, ConvexVideos)
    notification.videos.close()
    videos = FakeVideos({VIDEO: "Transcribing"})
    files = {"segments": "gs://t/segments.csv", "words": "gs://t/words.csv"}
    data = {"video_id": VIDEO, "generation": "1", "run": 1, "files": files}
    replace(notification, videos=videos).run(events.COMPLETED, data)
    return videos.status(VIDEO)


def waited_s(rig: Rig) -> object:
    """How long a second delivery waits for the first."""
    job, ledger = Job(rig.upload()), rig.world.ledger
    with ledger.hold(job, "parakeet"), suppress(AlreadyInProgress), rig.world.ledger.hold(job, "parakeet"):
        pass
    return sum(rig.clock.slept)


def topics_of_ingest(rig: Rig) -> object:
    rig.ingest()
    return rig.topics()


def topics_of_work(rig: Rig) -> object:
    rig.transcribe()
    return rig.topics()


def buckets(rig: Rig) -> object:
    """Buckets in which something lies after a job."""
    rig.transcribe()
    return {bucket for bucket in (VODS, STATE, TRANSCRIPTS, "other") if rig.written(bucket)}


def a_large_file(rig: Rig) -> object:
    return rig.transcribe(size_bytes=2 * 1024**2)


def bucket_of_audio(rig: Rig) -> object:
    """Where a file of this machine seems to lie, to an engine."""
    found = []

    class Noting(FakeEngine):
        def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
            found.append(source.object.bucket)
            return super().transcribe(source, info, bill)

    engines = Engines({"parakeet": Noting("parakeet", rig.clock)}, None, rig.world.engine_facts)
    InProcess(rig.settings, rig.reader, lambda *_: engines).transcribe(samples()[0].path, VIDEO)
    return found


def pubsub_address(rig: Rig) -> object:
    transport = publisher_client(rig.settings.pubsub_emulator_host).transport
    target = transport.grpc_channel._channel.target()
    transport.close()
    return target


def lines_logged(rig: Rig) -> object:
    root, ours = logging.getLogger(), logging.getLogger("klipscribe")
    before, stream = (root.handlers[:], root.level, ours.level), io.StringIO()
    try:
        configure(rig.settings.log_level, stream)
        ours.info("one")
        ours.warning("two")
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])
        ours.setLevel(before[2])
    return len(stream.getvalue().splitlines())


def audio_looked_for(rig: Rig) -> object:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in rig.environ.items():
            patched.setenv(name, value)
        handler = TranscriptionHandler()
    answer = asyncio.run(handler.process_audio_files(VIDEO, raise_on_error=False))
    return f"/nowhere/output/Raw/Audio/audio_{VIDEO} with one of .mp3" in answer["error"]


def a_client_of_storage(rig: Rig) -> object:
    client = storage_client(rig.settings.google_cloud_project, rig.settings.storage_emulator_host)
    return client.project, client.api_endpoint


CASES = [
    Case("DEEPGRAM_CONCURRENCY", "1", has_a_second_place, True, False, KEY),
    Case("DEEPGRAM_BASE_URL", "{url}/proxy", deepgram_asked, ["/v1/listen"], ["/proxy/v1/listen"], ASKING),
    Case("DEEPGRAM_MODEL", "nova-2", model_asked, [["nova-3"]], [["nova-2"]], ASKING),
    Case("MAX_FILE_SIZE_GB", "0.001", a_large_file, "completed", "too_large", GPU),
    Case("GOOGLE_CLOUD_PROJECT", "mine", a_client_of_storage, ("theirs", HERE), ("mine", HERE), THEIRS),
    Case("STORAGE_EMULATOR_HOST", THERE, a_client_of_storage, ("theirs", HERE), ("theirs", THERE), THEIRS),
    Case(
        "PUBSUB_EMULATOR_HOST",
        "127.0.0.1:1002",
        pubsub_address,
        b"dns:///127.0.0.1:1001",
        b"dns:///127.0.0.1:1002",
        {"PUBSUB_EMULATOR_HOST": "127.0.0.1:1001"},
    ),
    Case("AUDIO_BUCKET", "other", bucket_of_audio, ["klipstream-vods-raw"], ["other"], GPU),
    Case("TRANSCRIPT_BUCKET", "other", buckets, {VODS, STATE, TRANSCRIPTS}, {VODS, STATE, "other"}, GPU),
    Case("STATE_BUCKET", "other", buckets, {VODS, STATE, TRANSCRIPTS}, {VODS, "other", TRANSCRIPTS}, GPU),
    Case("TOPIC_REQUESTED", "other", topics_of_ingest, {"transcription-requested"}, {"other"}, GPU),
    Case("TOPIC_FALLBACK", "other", topics_of_ingest, {"transcription-fallback"}, {"other"}, FORCED),
    Case(
        "TOPIC_COMPLETED",
        "other",
        topics_of_work,
        {"transcription-progress", "transcription-completed"},
        {"transcription-progress", "other"},
        GPU,
    ),
    Case(
        "TOPIC_PROGRESS",
        "other",
        topics_of_work,
        {"transcription-progress", "transcription-completed"},
        {"other", "transcription-completed"},
        GPU,
    ),
    Case("REQUEST_BUDGET_S", "540", waited_s, 120.0, 60.0),
    Case("REQUEST_SOFT_BUDGET_S", "500", waited_s, 120.0, 100.0),
    Case("CONVEX_URL", "{url}", convex_asked, None, [None]),
    Case("CONVEX_DEPLOY_KEY", "made-up", convex_asked, [None], ["Convex made-up"], {"CONVEX_URL": "{url}"}),
    Case(
        "CONVEX_SUCCESS_STATUS",
        "Analyzing",
        status_after_success,
        "Transcribing",
        "Analyzing",
        {"CONVEX_URL": "{url}"},
    ),
    Case("BASE_DIR", "/nowhere", audio_looked_for, False, True),
    Case("LOG_LEVEL", "WARNING", lines_logged, 2, 1),
]
