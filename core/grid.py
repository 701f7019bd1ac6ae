"""The millisecond grid that every file is written on, so that all files of a transcript agree."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from core.errors import EngineFailed
from core.spans import fitted
from core.transcript import Gap, Transcript, Word

MAX_WORD_S = 60.0


def to_ms(seconds: float) -> int:
    """Whole milliseconds. Comparing these, not floats, makes a gap of 9.1 - 8.3 s exactly 0.8 s."""
    return round(seconds * 1000)


def on_grid(transcript: Transcript) -> Transcript:
    """The same words, made fit to be written: times in milliseconds, each text on one line.

    Every word keeps at least a millisecond, none starts before its predecessor ends, none leaves the
    audio. A word longer than a minute is an engine's way to draw a silence into it: it keeps the first
    minute, because no paragraph may be longer. Confidence becomes a number in [0, 1] of four digits. Gaps
    are rounded, and one that is nothing then is left out.

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
    heard = ((to_ms(word.start_s), to_ms(word.end_s)) for word in transcript.words)
    spans = fitted(heard, least=1, limit=limit_ms, longest=to_ms(MAX_WORD_S))
    words = (_placed(word, *span) for word, span in zip(transcript.words, spans, strict=True))
    return replace(transcript, words=tuple(words), gaps=tuple(_gaps_on_grid(transcript.gaps, limit_ms)))


def _last_ms(duration_s: float) -> int:
    """The last millisecond that is still inside the audio."""
    nearest_ms = to_ms(duration_s)
    return nearest_ms if nearest_ms / 1000 <= duration_s else nearest_ms - 1


def _gaps_on_grid(gaps: Iterable[Gap], limit_ms: int) -> Iterator[Gap]:
    for gap in gaps:
        start_ms, end_ms = to_ms(gap.start_s), min(to_ms(gap.end_s), limit_ms)
        if start_ms < end_ms:
            yield Gap(start_ms / 1000, end_ms / 1000, gap.reason)


def _placed(word: Word, start_ms: float, end_ms: float) -> Word:
    return Word(
        text=" ".join(word.text.split()),
        start_s=start_ms / 1000,
        end_s=end_ms / 1000,
        # max(0.0, nan) is 0.0, while max(nan, 0.0) is nan: the order matters, JSON knows no nan.
        confidence=round(min(max(0.0, word.confidence), 1.0), 4),
    )
