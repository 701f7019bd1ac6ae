"""The millisecond grid that every file is written on, so that all files of a transcript agree."""

from collections.abc import Iterable
from dataclasses import replace

from core.errors import EngineFailed
from core.transcript import Transcript, Word

MAX_WORD_S = 60.0


def to_ms(seconds: float) -> int:
    """Whole milliseconds. Comparing these, not floats, makes a gap of 9.1 - 8.3 s exactly 0.8 s."""
    return round(seconds * 1000)


def on_grid(transcript: Transcript) -> Transcript:
    """The same words, made fit to be written: times in milliseconds, each text on one line.

    Every word keeps at least a millisecond, none starts before its predecessor ends, none leaves the
    audio. A word longer than a minute is an engine's way to draw a silence into it: it keeps the first
    minute, because no paragraph may be longer. Confidence becomes a number in [0, 1] of four digits.

    Raises:
        EngineFailed: code engine_bad_result, more words than milliseconds.
    """
    limit_ms = _last_ms(transcript.duration_s)
    if len(transcript.words) > limit_ms:
        raise EngineFailed(
            f"{transcript.engine} gave {len(transcript.words)} words in {transcript.duration_s} s, "
            f"expected at most one a millisecond",
            code="engine_bad_result",
            deterministic=True,
        )
    spans = _pulled_back(_pushed_on(transcript.words), limit_ms)
    words = (_placed(word, *span) for word, span in zip(transcript.words, spans, strict=True))
    return replace(transcript, words=tuple(words))


def _last_ms(duration_s: float) -> int:
    """The last millisecond that is still inside the audio."""
    nearest_ms = to_ms(duration_s)
    return nearest_ms if nearest_ms / 1000 <= duration_s else nearest_ms - 1


def _pushed_on(words: Iterable[Word]) -> list[tuple[int, int]]:
    """Rounded spans, each later where needed to start at its predecessor's end and last a millisecond."""
    spans: list[tuple[int, int]] = []
    free_ms = 0
    for word in words:
        start_ms = max(to_ms(word.start_s), free_ms)
        longest_ms = start_ms + to_ms(MAX_WORD_S)
        free_ms = min(max(to_ms(word.end_s), start_ms + 1), longest_ms)
        spans.append((start_ms, free_ms))
    return spans


def _pulled_back(spans: list[tuple[int, int]], limit_ms: int) -> list[tuple[int, int]]:
    """The spans, from the last to the first moved ahead where they reach past the limit."""
    fitted: list[tuple[int, int]] = []
    for start_ms, end_ms in reversed(spans):
        end_in_ms = min(end_ms, limit_ms)
        limit_ms = min(start_ms, end_in_ms - 1)
        fitted.append((limit_ms, end_in_ms))
    return fitted[::-1]


def _placed(word: Word, start_ms: int, end_ms: int) -> Word:
    return Word(
        text=" ".join(word.text.split()),
        start_s=start_ms / 1000,
        end_s=end_ms / 1000,
        # max(0.0, nan) is 0.0, while max(nan, 0.0) is nan: the order matters, JSON knows no nan.
        confidence=round(min(max(0.0, word.confidence), 1.0), 4),
    )
