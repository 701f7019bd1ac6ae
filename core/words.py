"""From the pieces that a transducer emits to words with times."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from core.transcript import Word, monotone

WORD_START = "▁"
"""SentencePiece writes the space before a word as this sign (U+2581), in front of the word's first piece."""

CLOSING = frozenset(".,!?;:…)]}”%")
"""Punctuation that belongs to the word before it even where the model puts a space between them."""


@dataclass(frozen=True, slots=True)
class Token:
    """One emitted piece of a word.

    Args:
        piece: the tokenizer's piece, with its word start sign; empty for a token that can't be written.
        frame: the encoder frame at which the piece was emitted.
        frames: how many frames the model says that it lasts; 0 is possible.
        confidence: 0 to 1.
    """

    piece: str
    frame: int
    frames: int
    confidence: float = 1.0

    @property
    def text(self) -> str:
        """The piece as it is read."""
        return _text(self.piece)

    @property
    def is_punctuation(self) -> bool:
        """Whether nothing of the piece is heard: its time and its confidence say nothing of the word."""
        return _is_punctuation(self.piece)


@cache  # a vocabulary has a few thousand pieces, a transcript many times as many tokens
def _text(piece: str) -> str:
    return piece.removeprefix(WORD_START)


@cache
def _is_punctuation(piece: str) -> bool:
    text = _text(piece)
    return bool(text) and all(unicodedata.category(sign).startswith("P") for sign in text)


def words_from(tokens: Iterable[Token], frame_s: float, duration_s: float) -> list[Word]:
    """The words that the tokens spell, in order, inside [0, duration_s] and not overlapping.

    A word reaches from the start of its first spoken token to the end of its last one: models emit
    punctuation as late as the next pause. Its confidence is that of its weakest spoken token. A word that
    lasts no frame is given one.
    """
    return list(monotone((_word(group, frame_s) for group in _groups(tokens)), duration_s))


def _groups(tokens: Iterable[Token]) -> list[list[Token]]:
    """The tokens of each word. No text is no word; lone closing punctuation joins the word before."""
    begun: list[list[Token]] = []
    for token in tokens:
        if token.piece.startswith(WORD_START) or not begun:
            begun.append([])
        begun[-1].append(token)
    groups: list[list[Token]] = []
    for group in begun:
        text = "".join(token.text for token in group)
        if groups and set(text) <= CLOSING:
            groups[-1].extend(token for token in group if token.text)
        elif text:
            groups.append(group)
    return groups


def _word(group: list[Token], frame_s: float) -> Word:
    spoken = [token for token in group if not token.is_punctuation] or group
    first, last = spoken[0].frame, spoken[-1].frame + spoken[-1].frames
    return Word(
        text="".join(token.text for token in group),
        start_s=first * frame_s,
        end_s=max(last, first + 1) * frame_s,
        confidence=min(max(min(token.confidence for token in spoken), 0.0), 1.0),
    )
