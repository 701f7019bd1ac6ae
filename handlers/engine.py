"""Parakeet as an engine, wired: decoder, queue, model. No cloud's client is imported: tools have none."""

from collections.abc import Callable

from core.errors import EngineLost
from core.ports import AudioReader, Recognizer
from core.scheduler import Scheduler
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from infra.clock import SystemClock
from infra.machine import keep_freed_memory


def windowed_engine(  # noqa: PLR0913 - wired by keyword
    recognizer: Recognizer,
    spec: WindowSpec,
    *,
    reader: AudioReader,
    on_gpu: bool,
    queue_s: float | None = None,
    assumed_rtfx: float | None = None,
    on_lost: Callable[[EngineLost], None] = lambda lost: None,  # noqa: ARG005 - nobody to tell
    on_heard: Callable[[float, float], object] = lambda audio_s, work_s: None,  # noqa: ARG005 - as above
) -> WindowedEngine:
    """An engine whose model is loaded when the first window arrives; on_heard is WindowedEngine's.

    The other keywords behind on_gpu are Scheduler's.

    For a model on the CPU, the C library keeps what is freed from now on: see infra.machine.
    """
    if not on_gpu:
        keep_freed_memory()
    scheduler = Scheduler(
        recognizer, SystemClock(), queue_s=queue_s, on_lost=on_lost, assumed_rtfx=assumed_rtfx
    )
    return WindowedEngine(reader, scheduler, spec, recognizer.model, on_heard)
