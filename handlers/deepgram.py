"""Deepgram as an engine, wired from the settings."""

from core.ports import Clock, Engine, ObjectStore
from infra.answers import NoAnswers, StoredAnswers
from infra.deepgram import MAX_TIMEOUT_S, SHARE_OF_ONE_TRY, DeepgramEngine
from infra.deepgram_keyless import NO_KEY, KeylessDeepgram
from infra.places import Places
from infra.settings import Settings


def deepgram_engine(settings: Settings, clock: Clock, store: ObjectStore | None = None) -> Engine:
    """Deepgram, at the usual place or at another.

    One for a process: what it may have under way at once is counted for each.

    Args:
        settings: the key, the model, the budget.
        clock: tells the time.
        store: where answers are kept, in the state bucket; without one they are not.
    """
    key = settings.deepgram_api_key
    if key is None:
        return KeylessDeepgram(settings.deepgram_model)
    return DeepgramEngine(
        clock=clock,
        api_key=key.get_secret_value(),
        model=settings.deepgram_model,
        base_url=settings.deepgram_base_url or None,
        timeout_s=min(MAX_TIMEOUT_S, settings.request_soft_budget_s * SHARE_OF_ONE_TRY),
        budget_s=settings.request_soft_budget_s,
        answers=StoredAnswers(store, settings.state_bucket) if store else NoAnswers(),
        places=Places(settings.deepgram_concurrency, clock, "requests to Deepgram"),
    )


def lacking_for_fallback(settings: Settings) -> str:
    """Why the fallback can do nothing, though the settings count on it; empty when all is well."""
    wanted = settings.allow_deepgram and settings.transcription_method != "parakeet"
    return NO_KEY if wanted and not settings.deepgram_available else ""
