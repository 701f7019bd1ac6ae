"""One file decoded by several processes, each taking every n-th stretch of it; the parent joins them."""

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from itertools import count
from multiprocessing.connection import wait
from typing import BinaryIO

import numpy as np

from core.ports import Block
from infra import audio_wire as wire
from infra.audio_decoder import Decoder, read_range
from infra.audio_resampling import BLOCK_SAMPLES
from infra.audio_stretch import STRETCH_SAMPLES, Samples

RANGES = 64
"""Ranges of 256 KB that are kept, since each process reads the whole file and they are not far apart."""


def joined(
    uri: str, decoders: Sequence[Decoder], task: wire.Task, stream: BinaryIO
) -> Generator[Block, None, int | None]:
    """The blocks of a straight pass, as far as the stretches fit together.

    Returns:
        None when that was all; otherwise how many samples were given before something odd was met.

    Raises:
        EngineFailed: a process died.
        Exception: whatever the stream raised.
    """
    lanes = _Lanes(decoders, stream)
    for first, decoder in enumerate(decoders):
        decoder.begin(uri, replace(task, first=first, step=len(decoders)))
    given, border, is_odd = 0, np.zeros(0, np.int16), False
    for index in count():
        stretch = lanes.next(index % len(decoders))
        is_odd = lanes.is_odd or not fits(stretch, border, is_over=given < index * STRETCH_SAMPLES)
        if stretch is None or is_odd:
            break
        border = stretch[STRETCH_SAMPLES:]
        for start in range(0, min(len(stretch), STRETCH_SAMPLES), BLOCK_SAMPLES):
            block = Block(stretch[start : min(start + BLOCK_SAMPLES, STRETCH_SAMPLES)])
            given += len(block.samples)
            yield block
    lanes.stop()
    return given if is_odd else None


def fits(stretch: Samples | None, border: Samples, *, is_over: bool) -> bool:
    """Whether a stretch starts with what the one before ended with; behind a short one nothing may come."""
    if stretch is None:
        return not len(border)
    return np.array_equal(stretch[: len(border)], border) and not (is_over and len(stretch))


class _Lanes:
    """The stretches that came before their turn: at most one of each process."""

    def __init__(self, decoders: Sequence[Decoder], stream: BinaryIO) -> None:
        self._decoders = decoders
        self._came: list[Samples | None] = [None] * len(decoders)
        self._read = lru_cache(RANGES)(partial(read_range, stream))
        self.is_odd = False

    def next(self, lane: int) -> Samples | None:
        """The next stretch of a process; None behind its last one, and when any process met something odd."""
        while self._came[lane] is None and not self._decoders[lane].is_idle and not self.is_odd:
            listening = {
                decoder.socket: other
                for other, decoder in enumerate(self._decoders)
                if self._came[other] is None and not decoder.is_idle
            }
            for socket in wait(list(listening)):
                self._hear(listening[socket])  # type: ignore[index]
        stretch, self._came[lane] = self._came[lane], None
        return stretch

    def stop(self) -> None:
        """Let each process come to an end with its file: it is told that there is no more to read."""
        for decoder in self._decoders:
            while not decoder.is_idle:
                if decoder.receive()[0] == wire.READ:
                    decoder.answer(None)

    def _hear(self, lane: int) -> None:
        kind, body = self._decoders[lane].receive()
        if kind == wire.READ:
            self._decoders[lane].answer(self._read(*wire.range_in(body)))
        elif kind == wire.SOUND:
            self._came[lane] = wire.block_in(kind, body).samples
        else:
            self.is_odd = self.is_odd or kind != wire.END
