"""The sliding windows over a transcript that highlight and sentiment analysis read.

These windows are 60 s of transcript for a reader; the windows of core.windows are a model's input.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from core.grid import to_ms
from core.transcript import Segment, Word

WIDTH_S = 60.0
STEP_S = 30.0
WORD_SHARE_PERCENT = 50
PARAGRAPH_SHARE_PERCENT = 30


class _Spoken(Protocol):
    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


T = TypeVar("T", bound=_Spoken)


@dataclass(frozen=True, slots=True)
class TranscriptWindow:
    """One row of the segments file.

    Args:
        window_id: the place on the grid, from 0; the window starts at window_id times STEP_S.
        start_s: start, in seconds.
        end_s: WIDTH_S later, or the end of the last word where that is earlier.
        word_count: the words of which half or more lies inside.
        text: the paragraphs of which 30 % or more lies inside, joined by one space.
    """

    window_id: int
    start_s: float
    end_s: float
    word_count: int
    text: str

    @property
    def speech_rate(self) -> float:
        """Words per second, always over the full width: a reader compares windows with each other."""
        return self.word_count / WIDTH_S


def windows(words: Sequence[Word], paragraphs: Iterable[Segment]) -> tuple[TranscriptWindow, ...]:
    """Lay windows over the words until the last word's end is covered.

    Windows without a word have a row too, with 0 words and an empty text, so that the rows are an even
    grid of time. Speech shorter than a window gives one window, a tail that the full windows leave
    uncovered gets its own last one. Without any word there is nothing to cover, and no window.

    The words come in order of time, on the millisecond grid (core.grid.on_grid).
    """
    if not words:
        return ()
    end_s = words[-1].end_s
    count = _count(to_ms(end_s))
    counts = [len(inside) for inside in _shared_out(words, count, WORD_SHARE_PERCENT)]
    texts = [
        " ".join(paragraph.text for paragraph in inside)
        for inside in _shared_out(paragraphs, count, PARAGRAPH_SHARE_PERCENT)
    ]
    return tuple(
        TranscriptWindow(index, index * STEP_S, min(index * STEP_S + WIDTH_S, end_s), *row)
        for index, row in enumerate(zip(counts, texts, strict=True))
    )


def _count(end_ms: int) -> int:
    """How many windows it takes until one of them ends at or after the end."""
    uncovered_ms = max(end_ms - to_ms(WIDTH_S), 0)
    return 1 + -(-uncovered_ms // to_ms(STEP_S))


def _shared_out(items: Iterable[T], count: int, share_percent: int) -> list[list[T]]:
    """For each window, the items that lie inside by the share or more."""
    inside: list[list[T]] = [[] for _ in range(count)]
    for item in items:
        start_ms, end_ms = to_ms(item.start_s), to_ms(item.end_s)
        for index in _touched(start_ms, end_ms, count):
            if _overlap_ms(index, start_ms, end_ms) * 100 >= (end_ms - start_ms) * share_percent:
                inside[index].append(item)
    return inside


def _touched(start_ms: int, end_ms: int, count: int) -> range:
    """The windows that a span may reach into: few of them, however long the transcript."""
    first = max((start_ms - to_ms(WIDTH_S)) // to_ms(STEP_S), 0)
    return range(first, min(end_ms // to_ms(STEP_S) + 1, count))


def _overlap_ms(index: int, start_ms: int, end_ms: int) -> int:
    window_start_ms = index * to_ms(STEP_S)
    return min(end_ms, window_start_ms + to_ms(WIDTH_S)) - max(start_ms, window_start_ms)
