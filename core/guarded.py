"""An engine behind its circuit breaker: while it rests, files learn so at once, and none is blamed."""

from collections.abc import Callable
from functools import partial

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.breaker import Breaker
from core.errors import EngineFailed, EngineLost, EngineUnavailable, KlipscribeError, Retryable
from core.ports import Engine
from core.transcript import Transcript

Blames = Callable[[KlipscribeError], bool]
"""Whether an error is the engine's fault, and not that of the file or of storage."""


def blames_parakeet(error: KlipscribeError) -> bool:
    """The device is lost, there is no model, or it failed in a way that another file might meet too."""
    if not isinstance(error, EngineFailed):
        return False
    return (
        isinstance(error, EngineLost) or error.code == "engine_model_unavailable" or not error.deterministic
    )


def blames_deepgram(error: KlipscribeError) -> bool:
    """The key or the account is refused, its answers are of no use, or no try reached it."""
    if isinstance(error, EngineFailed):
        return error.code == "engine_unauthorized" or not error.deterministic
    return isinstance(error, Retryable) and error.code in ("network_unavailable", "quota_exceeded")


class Guarded:
    """An engine that is asked only while its breaker lets calls through.

    Args:
        engine: hears.
        breaker: of the engine.
        blames: which errors count against the engine.
    """

    def __init__(self, engine: Engine, breaker: Breaker, blames: Blames) -> None:
        self._engine, self._breaker, self._blames = engine, breaker, blames

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    @property
    def model(self) -> str:
        """The engine's."""
        return self._engine.model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """As the engine does.

        Raises:
            EngineUnavailable: it rests; nothing was tried, and nothing is on the bill.
        """
        call = self._breaker.admit()
        if call is None:
            raise self._resting()
        verdict: Callable[[], None] = partial(self._breaker.unproven, call)
        try:
            transcript = self._engine.transcribe(source, info, bill)
            verdict = self._breaker.heard
        except KlipscribeError as error:
            if self._blames(error):
                verdict = partial(self._breaker.failed, call, source.object.uri, error.code)
            raise
        finally:
            verdict()
        return transcript

    def _resting(self) -> EngineUnavailable:
        status = self._breaker.status
        wait = f"for another {status.retry_in_s:.0f} s" if status.state == "open" else "while a file tries it"
        return EngineUnavailable(
            f"{self.name} rests {wait}, after failures at {status.failures} files, the last one {status.code}"
        )
