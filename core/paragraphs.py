"""Sentences, and the paragraphs that they make.

The words come in order of time, on the millisecond grid (core.grid.on_grid).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from core.grid import to_ms
from core.transcript import Segment, Word

PAUSE_S = 0.8
CLOSE_AT_S = 20.0
MAX_SENTENCES = 6
MAX_PARAGRAPH_S = 60.0

Run = tuple[Word, ...]


def sentences(words: Sequence[Word]) -> tuple[Segment, ...]:
    """Cut the words after each end of a sentence and, where no punctuation says so, at each long pause.

    A pause of PAUSE_S or more ends a sentence also in the midst of punctuated text. Nothing is lost: the
    words of all sentences are the words given.
    """
    if not words:
        return ()
    cuts = [at for at, pair in enumerate(pairwise(words), start=1) if _ends_between(*pair)]
    return tuple(Segment(tuple(words[start:end])) for start, end in pairwise([0, *cuts, len(words)]))


def paragraphs(words: Sequence[Word]) -> tuple[Segment, ...]:
    """Group sentences to paragraphs.

    A new one starts after a pause of PAUSE_S or more, after MAX_SENTENCES sentences, and at the end of
    the sentence with which the paragraph reached CLOSE_AT_S. Long runs without punctuation have no such
    end and close at the word that reached CLOSE_AT_S. A sentence that would take the paragraph past
    MAX_PARAGRAPH_S starts a new one.
    """
    found: list[Segment] = []
    current: Run = ()
    for sentence in sentences(words):
        for run in _indivisible(sentence):
            if current and _closes(current, run):
                found.append(Segment(current))
                current = ()
            current += run
    return (*found, Segment(current)) if current else ()


def _ends_between(before: Word, after: Word) -> bool:
    return before.ends_sentence or _pauses(before, after)


def _pauses(before: Word, after: Word) -> bool:
    return to_ms(after.start_s) - to_ms(before.end_s) >= to_ms(PAUSE_S)


def _length_ms(first: Word, last: Word) -> int:
    return to_ms(last.end_s) - to_ms(first.start_s)


def _indivisible(sentence: Segment) -> Iterator[Run]:
    """What a paragraph may not tear apart: a sentence, unless it is endless; then each of its words."""
    words = sentence.words
    allowed_s = MAX_PARAGRAPH_S if words[-1].ends_sentence else CLOSE_AT_S
    if _length_ms(words[0], words[-1]) <= to_ms(allowed_s):
        yield words
    else:
        yield from ((word,) for word in words)


def _closes(current: Run, following: Run) -> bool:
    return (
        _pauses(current[-1], following[0])
        or _length_ms(current[0], current[-1]) >= to_ms(CLOSE_AT_S)
        or sum(word.ends_sentence for word in current) >= MAX_SENTENCES
        or _length_ms(current[0], following[-1]) > to_ms(MAX_PARAGRAPH_S)
    )
