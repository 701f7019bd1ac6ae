"""Wires the parts once per process, by keyword. Heavy parts are made when first used."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from core.audio import AudioInfo
from core.dead_letter import DeadLetters
from core.errors import EngineLost
from core.formats import Kind, OutputFile, render
from core.jobs import Job
from core.notification import Notification
from core.ports import Clock, Engine, ObjectStore
from core.reception import Reception
from core.routing import (
    EngineFacts,
    FileFacts,
    Reason,
    Route,
    RoutingPolicy,
    at_fallback,
    at_ingest,
    choose_route,
    may_fall_back,
)
from core.transcript import Transcript
from core.transcript_json import Origin
from core.transcription import Transcription
from handlers.accounting import budget_in, parking_in, with_budget
from handlers.breakers import Breakers
from handlers.engines import fallback_engine, gpu_engines
from handlers.life import Life
from handlers.once import once
from handlers.world import World
from infra import settings as environment
from infra.audio_processes import ProcessReader
from infra.clock import SystemClock
from infra.convex import ConvexVideos
from infra.gcs import GcsStore, storage_client
from infra.heartbeat import Heart, Pulse
from infra.ledger import ObjectLedger
from infra.log import configure
from infra.machine import process_age_s
from infra.pubsub import PubSubPublisher, publisher_client
from infra.settings import Settings
from infra.speeds import ObjectSpeeds

log = logging.getLogger("klipscribe")


def reception_in(world: World) -> Reception:
    """The use case of ingest."""
    policy = world.settings.routing_policy()
    budget = budget_in(world.settings, world.store, world.clock)

    def shortcut(job: Job, info: AudioInfo) -> Sequence[Reason]:
        if not world.settings.route_at_ingest:
            return ()
        facts = with_budget(world.facts_from_afar(), budget)
        route = at_ingest(FileFacts.of(job, info.duration_s), facts, policy)
        return route.reasons if route else ()

    return Reception(
        ledger=world.ledger,
        intake=world.intake,
        outcomes=world.outcomes,
        publisher=world.publisher,
        clock=world.clock,
        topics=world.topics,
        budget=budget,
        parking=parking_in(world.settings, world.store, world.clock),
        shortcut=shortcut,
    )


def transcription_in(
    world: World, engines: Mapping[str, Engine], facts: Callable[[], EngineFacts]
) -> Transcription:
    """The use case of the GPU service, from its engines by routing method and what is known of them."""
    return _transcription(world, engines, "parakeet", choose_route, may_fall_back, facts)


def fallback_in(world: World, deepgram: Engine) -> Transcription:
    """The use case of the fallback: Deepgram or nothing."""
    engines = {"deepgram": deepgram}
    return _transcription(world, engines, "deepgram", at_fallback, lambda *_: False, world.engine_facts)


def notification_in(world: World) -> Notification | None:
    """The use case of the notifier; None when there is no database to notify."""
    if not world.settings.convex_url:
        return None
    key = world.settings.convex_deploy_key
    return Notification(
        videos=ConvexVideos(world.settings.convex_url, key.get_secret_value() if key else None),
        store=world.store,
        state_bucket=world.settings.state_bucket,
        success_status=world.settings.convex_success_status,
    )


def dead_letters_in(world: World) -> DeadLetters:
    """The use case of given-up messages."""
    return DeadLetters(
        store=world.store,
        outcomes=world.outcomes,
        clock=world.clock,
        state_bucket=world.settings.state_bucket,
    )


def ledger_over(store: ObjectStore, settings: Settings, clock: Clock, owner: str) -> ObjectLedger:
    """The ledger in the state bucket; a second delivery of a job waits in the time that Deepgram leaves."""
    return ObjectLedger(
        store=store,
        bucket=settings.state_bucket,
        owner=owner,
        clock=clock,
        wait_s=settings.request_budget_s - settings.request_soft_budget_s,
    )


def engine_lost(life: Life, lost: EngineLost) -> None:
    """Let the process end: nothing in it can hear any more."""
    log.error("the engine is lost, this process ends: %s", lost, extra={"code": lost.code})
    life.doom(f"{lost.code}: {lost}")


@once
def checked_settings() -> Settings:
    """The settings, read once, with a word about what in them will do nothing.

    Raises:
        SettingsError: some can't be used.
    """
    found = environment.load()
    configure(found.log_level)
    given = environment.environment()
    for doubt in environment.unknown_names(given):
        log.warning(doubt)
    for name in environment.without_effect(given):
        log.warning("%s is set, and nothing reads it in this version", name)
    return found


@once
def world() -> World:
    """The real adapters, from the environment."""
    found = checked_settings()
    clock = SystemClock()
    client = storage_client(found.google_cloud_project, found.storage_emulator_host)
    store = GcsStore(client)
    return World(
        settings=found,
        store=store,
        publisher=PubSubPublisher(client.project, publisher_client(found.pubsub_emulator_host)),
        clock=clock,
        reader=ProcessReader(found.max_concurrent_chunks),
        ledger=ledger_over(store, found, clock, environment.instance_name()),
        speeds=ObjectSpeeds(store, found.state_bucket, clock),
        pulse=Pulse(store, found.state_bucket, clock),
    )


@once
def life() -> Life:
    """When this process ends before it is told to."""
    return Life()


@once
def breakers() -> Breakers:
    """The circuit breakers of this process's engines."""
    return Breakers(SystemClock())


@once
def reception() -> Reception:
    """Ingest's use case, wired."""
    return reception_in(world())


@once
def transcription() -> Transcription:
    """The GPU service's use case, wired."""
    clock = world().clock
    started_s = clock.monotonic() - process_age_s()
    engines = gpu_engines(world(), breakers(), partial(engine_lost, life()), started_s=started_s)
    heart = Heart(
        world().store,
        world().settings.state_bucket,
        f"{environment.instance_name()}-{uuid.uuid4().hex[:8]}",
        lambda: None if life().reason else engines.heartbeat(),
    )
    breakers().on_change(heart.hurry)
    heart.start()
    return transcription_in(world(), engines.by_method, engines.facts)


@once
def fallback() -> Transcription:
    """The fallback's use case, wired."""
    return fallback_in(world(), fallback_engine(world(), breakers()))


@once
def notification() -> Notification | None:
    """The notifier's use case, wired."""
    return notification_in(world())


@once
def dead_letters() -> DeadLetters:
    """The dead letters' use case, wired."""
    return dead_letters_in(world())


def _transcription(  # noqa: PLR0913, PLR0917 - private; what the two services differ by
    world: World,
    engines: Mapping[str, Engine],
    engine: str,
    route: Callable[[FileFacts, EngineFacts, RoutingPolicy], Route],
    fall_back: Callable[[FileFacts, EngineFacts, RoutingPolicy], bool],
    facts: Callable[[], EngineFacts],
) -> Transcription:
    """The use case over some engines, routed by one function of core."""
    policy = world.settings.routing_policy()
    budget = budget_in(world.settings, world.store, world.clock)

    def choose(job: Job, info: AudioInfo) -> Route:
        return route(FileFacts.of(job, info.duration_s), with_budget(facts(), budget), policy)

    return Transcription(
        ledger=world.ledger,
        intake=world.intake,
        outcomes=world.outcomes,
        publisher=world.publisher,
        clock=world.clock,
        accounts=world.accounts,
        topics=world.topics,
        engines=engines,
        engine=engine,
        choose=choose,
        render=partial(_files, world),
        may_fall_back=lambda job: fall_back(FileFacts.of(job), facts(), policy),
    )


def _files(world: World, job: Job, transcript: Transcript) -> Mapping[Kind, OutputFile]:
    origin = Origin(
        job_id=job.id,
        video_id=job.audio.video_id,
        audio=job.audio.uri,
        generation=job.audio.generation,
        created=world.clock.now(),
    )
    return render(transcript, origin)
