"""A transcript with the parts that its files show."""

from dataclasses import dataclass

from core.grid import on_grid
from core.paragraphs import paragraphs, sentences
from core.segments import TranscriptWindow, windows
from core.transcript import Segment, Transcript


@dataclass(frozen=True, slots=True)
class Document:
    """A transcript on the millisecond grid, and the parts of it that the files show."""

    transcript: Transcript
    paragraphs: tuple[Segment, ...]
    sentences: tuple[Segment, ...]
    windows: tuple[TranscriptWindow, ...]


def document(transcript: Transcript) -> Document:
    """Find the parts of a transcript. Raises EngineFailed: more words than milliseconds."""
    fitted = on_grid(transcript)
    found = paragraphs(fitted.words)
    inner = tuple(sentence for paragraph in found for sentence in sentences(paragraph.words))
    return Document(fitted, found, inner, windows(fitted.words, found))
