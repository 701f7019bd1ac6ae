"""Hybrid, and Deepgram over files of any length, wired."""

import logging
from collections.abc import Callable, Mapping

from core.clips import ClippedReader, Clipper
from core.errors import KlipscribeError
from core.hybrid import Hybrid
from core.ports import Engine
from core.routing import EngineFacts
from core.split import LIMIT_S, Split
from handlers.world import World
from infra.clipping import flac
from infra.deepgram import MAX_TIMEOUT_S
from infra.settings import Settings

log = logging.getLogger("klipscribe")


def any_length(world: World, deepgram: Engine) -> Engine:
    """Deepgram, over files that are too long for one of its requests too; they are heard in parts.

    Args:
        world: what they are wired from.
        deepgram: hears what one request can.
    """
    return Split(
        deepgram,
        clipper=_clipper(world),
        rtfx=lambda: world.engine_facts().deepgram_rtfx,
        # What is predicted to outlast our own patience would fail as surely as what outlasts Deepgram's.
        limit_s=min(LIMIT_S, MAX_TIMEOUT_S),
    )


def with_hybrid(
    world: World,
    engines: Mapping[str, Engine],
    deepgram: Callable[[], Engine],
    facts: Callable[[], EngineFacts],
) -> Mapping[str, Engine]:
    """The engines of the GPU service, and hybrid where audio may go to Deepgram.

    Args:
        world: what they are wired from.
        engines: by routing method; the one for parakeet hears clips too: core.clips.ClippedReader.
        deepgram: makes the engine for files of any length; not called where no audio may leave.
        facts: what is known of the engines now, the queue among it.
    """
    if not may_leave(world.settings):
        return engines
    hybrid = Hybrid(
        parakeet=engines["parakeet"],
        deepgram=deepgram(),
        clipper=_clipper(world),
        facts=facts,
        split_s=world.settings.hybrid_split_s,
        may_fall_back=world.settings.enable_fallback,
        on_moved=_moved,
    )
    return {**engines, "hybrid": hybrid}


def may_leave(settings: Settings) -> bool:
    """Whether any file's audio may go to Deepgram, as core.routing_rules.privacy has it."""
    is_private = not settings.allow_deepgram or settings.transcription_method == "parakeet"
    return settings.deepgram_available and not is_private


def _clipper(world: World) -> Clipper:
    return Clipper(ClippedReader(world.reader), flac)


def _moved(engine: str, part: str, error: KlipscribeError) -> None:
    log.warning(
        "%s failed at %s, the other engine hears it: %s", engine, part, error, extra={"code": error.code}
    )
