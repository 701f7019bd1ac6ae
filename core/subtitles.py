"""Subtitles: sentences cut to cues that fit on a screen, as SubRip and WebVTT."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from core.grid import to_ms
from core.transcript import Segment, Word, text_of

MAX_LINE_LENGTH = 42
MAX_CUE_S = 7.0
_CLAUSE_ENDS = (",", ";", ":", "…", ".", "!", "?")


def cues(sentences: Iterable[Segment]) -> tuple[Segment, ...]:
    """Cut each sentence until every part fits on two lines of MAX_LINE_LENGTH and lasts MAX_CUE_S at most.

    A single word is never cut: one that is longer than a line, or than MAX_CUE_S, stands alone.
    """
    return tuple(Segment(part) for sentence in sentences for part in _fitting(sentence.words))


def srt(sentences: Iterable[Segment]) -> str:
    """SubRip, lines ended by LF. It has no escapes, so an arrow in the text is written as a real one."""
    blocks = (
        f"{number}\n{_block(cue, ',', lambda line: line.replace('-->', '→'))}"
        for number, cue in enumerate(cues(sentences), start=1)
    )
    return "\n".join(blocks)


def vtt(sentences: Iterable[Segment]) -> str:
    """WebVTT, lines ended by LF; the text's own &, < and > (and so every -->) are escaped."""
    return "\n".join(["WEBVTT\n", *(_block(cue, ".", _escaped) for cue in cues(sentences))])


def _fitting(words: tuple[Word, ...]) -> Iterator[tuple[Word, ...]]:
    if len(words) == 1 or _fits(words):
        yield words
        return
    middle = _best_cut(words)
    yield from _fitting(words[:middle])
    yield from _fitting(words[middle:])


def _fits(words: Sequence[Word]) -> bool:
    duration_ms = to_ms(words[-1].end_s) - to_ms(words[0].start_s)
    return duration_ms <= to_ms(MAX_CUE_S) and all(len(line) <= MAX_LINE_LENGTH for line in lines(words))


def lines(words: Sequence[Word]) -> list[str]:
    """The text on one line where it fits, else on two that are as even as can be."""
    text = text_of(words)
    if len(text) <= MAX_LINE_LENGTH or len(words) == 1:
        return [text]
    ends = _ends(words)
    cut = min(ends[:-1], key=lambda end: max(end, len(text) - end - 1))
    return [text[:cut], text[cut + 1 :]]


def _ends(words: Sequence[Word]) -> list[int]:
    """Where each word ends in the joined text."""
    ends, at = [], -1
    for word in words:
        at += 1 + len(word.text)
        ends.append(at)
    return ends


def _best_cut(words: Sequence[Word]) -> int:
    """How many words go first: in the middle half of the text, after a clause if there is one there."""
    ends = _ends(words)

    def price(index: int) -> tuple[bool, bool, int]:
        off_centre = abs(2 * ends[index] - ends[-1])
        clause = words[index].text.endswith(_CLAUSE_ENDS)
        return 2 * off_centre > ends[-1], not clause, off_centre

    return min(range(len(words) - 1), key=price) + 1


def _block(cue: Segment, point: str, written: Callable[[str], str]) -> str:
    text = "".join(f"{written(line)}\n" for line in lines(cue.words))
    return f"{_clock(cue.start_s, point)} --> {_clock(cue.end_s, point)}\n{text}"


def _clock(seconds: float, point: str) -> str:
    """HH:MM:SS and milliseconds; two digits hold the hours, as no audio is longer than twelve."""
    rest, millis = divmod(to_ms(seconds), 1000)
    minutes, second = divmod(rest, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{point}{millis:03}"


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
