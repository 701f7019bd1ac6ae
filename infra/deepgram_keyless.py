"""What stands in Deepgram's place where there is no key: nothing is sent, and the reason is said."""

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.errors import EngineFailed
from core.transcript import Transcript

NO_KEY = "DEEPGRAM_API_KEY is not set, so Deepgram can't be asked"


class KeylessDeepgram:
    """core.ports.Engine that hears nothing. Routing knows of it, and sends no file here."""

    def __init__(self, model: str) -> None:
        self._model = model

    @property
    def name(self) -> str:
        """Always deepgram."""
        return "deepgram"

    @property
    def model(self) -> str:
        """The model that would be asked."""
        return self._model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:  # noqa: ARG002 - the port's
        """Refuse. Raises EngineFailed: code engine_unauthorized; nothing goes on the bill."""
        raise EngineFailed(NO_KEY, code="engine_unauthorized", deterministic=True)
