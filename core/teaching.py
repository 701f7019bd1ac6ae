"""An engine that teaches how fast it is by what it puts on the bill."""

from collections.abc import Callable

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.ports import Engine
from core.transcript import Transcript


class Teaching:
    """Tells of each file that was heard, how long it is and how long that took.

    What was heard without being charged for was known already, and teaches nothing.

    Args:
        engine: hears; its active_s has to be the time that its work takes.
        learn: told seconds of audio, and seconds of work.
    """

    def __init__(self, engine: Engine, learn: Callable[[float, float], object]) -> None:
        self._engine, self._learn = engine, learn

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    @property
    def model(self) -> str:
        """The engine's."""
        return self._engine.model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """As the engine does."""
        mine = Bill()
        try:
            transcript = self._engine.transcribe(source, info, mine)
        finally:
            for usage in mine.usages:
                bill.add(usage)
        for usage in mine.usages:
            if usage.billed_s > 0:
                self._learn(usage.heard_s, usage.active_s)
        return transcript
