"""Parakeet on the GPU, and where that fails on the CPU: the level between a smaller batch and Deepgram."""

from collections.abc import Callable

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.errors import EngineFailed, EngineLost, EngineUnavailable, KlipscribeError
from core.ports import Engine
from core.transcript import Transcript


class Deferred:
    """An engine that is made when it is first asked: a second model takes memory, and is rarely wanted.

    Args:
        name: of the engine.
        model: that it will run.
        make: makes it; hands out the same one ever after.
    """

    def __init__(self, name: str, model: str, make: Callable[[], Engine]) -> None:
        self._name, self._model, self._make = name, model, make

    @property
    def name(self) -> str:
        """The engine's."""
        return self._name

    @property
    def model(self) -> str:
        """The engine's."""
        return self._model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """As the engine does."""
        return self._make().transcribe(source, info, bill)


class WithCpu:
    """An engine with a slower one below it.

    Args:
        gpu: is asked first.
        cpu: is asked when the GPU failed or rests. Not when it is lost: that process ends.
        fits: whether the CPU would be done with a file in time.
        on_step: told why a file goes on to the CPU.
    """

    def __init__(
        self,
        gpu: Engine,
        cpu: Engine,
        fits: Callable[[AudioInfo], bool],
        on_step: Callable[[KlipscribeError], object] = lambda _: None,
    ) -> None:
        self._gpu, self._cpu, self._fits, self._on_step = gpu, cpu, fits, on_step

    @property
    def name(self) -> str:
        """The same on both."""
        return self._gpu.name

    @property
    def model(self) -> str:
        """The same on both."""
        return self._gpu.model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """As the engines do; what both did is on the bill.

        Raises:
            EngineFailed: neither could, with the reasons of both.
            EngineUnavailable: the GPU rests, and the CPU would take too long.
        """
        try:
            return self._gpu.transcribe(source, info, bill)
        except (EngineFailed, EngineUnavailable) as error:
            if isinstance(error, EngineLost) or not self._fits(info):
                raise
            self._on_step(error)
            return self._on_cpu(source, info, bill, error)

    def _on_cpu(
        self, source: AudioSource, info: AudioInfo, bill: Bill, first: EngineFailed | EngineUnavailable
    ) -> Transcript:
        try:
            return self._cpu.transcribe(source, info, bill)
        except EngineLost:
            raise
        except EngineFailed as second:
            repeats = isinstance(first, EngineUnavailable) or first.deterministic
            raise EngineFailed(
                f"on the GPU: {first}; on the CPU: {second}",
                code=second.code,
                deterministic=repeats and second.deterministic,
            ) from second
