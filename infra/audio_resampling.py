"""FFmpeg's resampler: pieces of any rate and layout in, blocks of 16 kHz mono out, holes as silence."""

from collections.abc import Iterable, Iterator

import av
import numpy as np
from av.audio.frame import AudioFrame

from core.ports import SAMPLE_RATE_HZ, Block
from infra.audio_decoding import Hole, Piece

BLOCK_SAMPLES = 10 * SAMPLE_RATE_HZ


def resampled(pieces: Iterable[Piece]) -> Iterator[Block]:
    """Blocks of 10 s; shorter at the end, before a hole, and where the stream's parameters change."""
    pipe = _Pipe()
    for piece in pieces:
        if isinstance(piece, Hole):
            yield from pipe.flush()
            yield from _silence(piece)
        else:
            yield from pipe.push(piece)
    yield from pipe.flush()


class _Pipe:
    """FFmpeg's filter graph to 16 kHz mono; a new one when the stream's parameters change on the way."""

    def __init__(self) -> None:
        self._graph: av.AudioResampler | None = None
        self._taken: tuple[str, str, int] | None = None

    def push(self, piece: AudioFrame) -> Iterator[Block]:
        given = (piece.format.name, piece.layout.name, piece.sample_rate)
        if self._graph is None or given != self._taken:
            yield from self.flush()
            self._taken = given
            self._graph = av.AudioResampler("s16", "mono", SAMPLE_RATE_HZ, frame_size=BLOCK_SAMPLES)
        yield from _run(self._graph, piece)

    def flush(self) -> Iterator[Block]:
        if self._graph is not None:
            yield from _run(self._graph, None)
            self._graph = None


def _run(graph: av.AudioResampler, piece: AudioFrame | None) -> Iterator[Block]:
    for out in graph.resample(piece):
        yield Block(out.to_ndarray().reshape(-1).astype(np.int16, copy=False))


def _silence(hole: Hole) -> Iterator[Block]:
    left = round(hole.duration_s * SAMPLE_RATE_HZ)
    while left > 0:
        yield Block(np.zeros(min(left, BLOCK_SAMPLES), np.int16), is_hole=True)
        left -= BLOCK_SAMPLES
