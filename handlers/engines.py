"""The engines, from the settings."""

from core.ports import AudioReader, Clock, Engine
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from infra.deepgram import DeepgramEngine
from infra.parakeet import ParakeetRecognizer
from infra.settings import Settings


def parakeet_engine(settings: Settings, reader: AudioReader) -> Engine:
    """Parakeet over windows; the model is loaded when the first window arrives."""
    return WindowedEngine(
        reader,
        ParakeetRecognizer(settings.parakeet_model_name),
        WindowSpec(settings.window_s, settings.overlap_s),
        settings.batch_size,
    )


def deepgram_engine(settings: Settings, clock: Clock) -> Engine:
    """Deepgram, at the usual place or at another."""
    key = settings.deepgram_api_key
    return DeepgramEngine(
        clock=clock,
        api_key=key.get_secret_value() if key else "",
        model=settings.deepgram_model,
        base_url=settings.deepgram_base_url or None,
    )
