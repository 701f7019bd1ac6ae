"""Files that are too long for one request of an engine: heard in parts at the same time."""

from collections.abc import Callable
from math import ceil

from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.clips import Clip, Clipper
from core.errors import EngineFailed, Retryable
from core.parts import Part, all_heard, divided, heard, joined, naming
from core.pauses import pauses
from core.ports import SAMPLE_RATE_HZ, Engine
from core.transcript import Transcript

LIMIT_S = 600.0
"""Deepgram works at a request for 10 minutes at most, then answers 504 (developers.deepgram.com, 2026-11)."""

MAX_BYTES = 2_000_000_000
"""Deepgram's limit of a file is 2 GB, on the same pages; the smaller one of its two meanings is taken."""

AT_ONCE = 4

LEAST_PART_S = 60.0
"""Three times what two parts share."""


class Split:
    """An engine for files of any length, over one whose requests are limited.

    Args:
        engine: hears files, and parts of them.
        clipper: makes the parts; its reader hears files and clips.
        rtfx: audio seconds per second of the engine, as known now.
        limit_s: the longest that a request may be predicted to take.
        max_bytes: the largest file of a request. A part is encoded anew, and far smaller.
        at_once: parts that are heard at the same time.
    """

    def __init__(  # noqa: PLR0913 - wired by keyword
        self,
        engine: Engine,
        *,
        clipper: Clipper,
        rtfx: Callable[[], float],
        limit_s: float = LIMIT_S,
        max_bytes: int = MAX_BYTES,
        at_once: int = AT_ONCE,
    ) -> None:
        self._engine, self._clipper, self._rtfx = engine, clipper, rtfx
        self._limit_s, self._max_bytes, self._at_once = limit_s, max_bytes, at_once

    @property
    def name(self) -> str:
        """The engine's."""
        return self._engine.name

    @property
    def model(self) -> str:
        """The engine's."""
        return self._engine.model

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """Hear the whole file; all requests are on the bill, also when one part fails.

        Raises:
            EngineFailed, Retryable: as the engine says; the message names the part.
            Rejected, ObjectNotFound: as the engine raises them.
        """
        count = self._count(source, info)
        cuts = self._cuts(source, info, count) if count > 1 else []
        if not cuts:
            return self._engine.transcribe(source, info, bill)
        parts = divided(source, info, cuts, self._clipper)

        def hear(part: Part) -> Transcript:
            try:
                return heard(self._engine, part, bill)
            except (EngineFailed, Retryable) as error:
                raise naming(error, part) from error.__cause__

        transcripts = all_heard(parts, hear, self._at_once)
        return joined(parts, transcripts, transcripts[0].engine, transcripts[0].model)

    def _count(self, source: AudioSource, info: AudioInfo) -> int:
        """How many parts: as few as keep within both limits."""
        by_time = ceil(info.duration_s / self._rtfx() / self._limit_s)
        by_size = ceil(_size_bytes(source) / self._max_bytes)
        return min(max(by_time, by_size), int(info.duration_s / LEAST_PART_S))

    def _cuts(self, source: AudioSource, info: AudioInfo, count: int) -> list[int]:
        length = info.duration_s * SAMPLE_RATE_HZ / count
        targets = [round(length * number) for number in range(1, count)]
        return pauses(self._clipper.reader.blocks(source), targets)


def _size_bytes(source: AudioSource) -> int:
    """Of the bytes as they would be sent. A clip is encoded anew: twelve hours are 1.4 GB at most."""
    if isinstance(source.store, Clip):
        return 0
    if source.object.size_bytes:
        return source.object.size_bytes
    with source.open() as stream:
        return stream.seek(0, 2)
