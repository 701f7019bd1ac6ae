"""The files of a transcript, byte for byte as their readers expect them.

Comma-separated text is quoted where it must be and nowhere else (csv.QUOTE_MINIMAL): a comma or a double
quote puts the field in quotes, and quotes inside are doubled. White space inside of a word, line breaks
included, is written as one space. A word that starts with = + - or @ is written as it is: the readers are
programs, and a quote put ahead of it would be a false word. Import such a file into a spreadsheet as text.
Text that no UTF-8 can hold (half of a surrogate pair) becomes a question mark.

A transcript without words gives files with a header alone, an empty .srt, and a .vtt with its first line.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from core.document import document
from core.segments import TranscriptWindow
from core.subtitles import srt, vtt
from core.transcript import Segment, Transcript, Word
from core.transcript_json import Origin, transcript_json

Kind = Literal["words", "paragraphs", "segments", "transcript", "srt", "vtt"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_ENDINGS: dict[Kind, tuple[str, str]] = {
    "words": ("_words.csv", "text/csv; charset=utf-8"),
    "paragraphs": ("_paragraphs.csv", "text/csv; charset=utf-8"),
    "segments": ("_segments.csv", "text/csv; charset=utf-8"),
    "transcript": ("_transcript.json", "application/json"),
    "srt": (".srt", "application/x-subrip"),
    "vtt": (".vtt", "text/vtt"),
}


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file: its object name, its content type, its bytes."""

    name: str
    content_type: str
    data: bytes


def output_names(video_id: str) -> dict[Kind, str]:
    """The object names of all files of a video.

    Slashes in an id are folders, and the last part names the files: the id `talks/monday` gives
    `talks/monday/audio_monday_words.csv`. A plain id gives `{id}/audio_{id}_words.csv`.
    """
    stem = f"{video_id}/audio_{video_id.rsplit('/', 1)[-1]}"
    return {kind: f"{stem}{ending}" for kind, (ending, _) in _ENDINGS.items()}


def render(transcript: Transcript, origin: Origin) -> dict[Kind, OutputFile]:
    """All files of a transcript, with their public object names.

    Raises:
        EngineFailed: code engine_bad_result, more words than milliseconds.
    """
    doc = document(transcript)
    texts: dict[Kind, str] = {
        "words": words_csv(doc.transcript.words),
        "paragraphs": paragraphs_csv(doc.paragraphs),
        "segments": segments_csv(doc.windows),
        "transcript": transcript_json(doc, origin),
        "srt": srt(doc.sentences),
        "vtt": vtt(doc.sentences),
    }
    names = output_names(origin.video_id)
    return {
        kind: OutputFile(names[kind], _ENDINGS[kind][1], text.encode("utf-8", "replace"))
        for kind, text in texts.items()
    }


def words_csv(words: Iterable[Word]) -> str:
    """A row per word, lines ended by CRLF."""
    rows = ((word.start_s, word.end_s, word.text) for word in words)
    return _csv(("start_time", "end_time", "word"), rows, line_end="\r\n")


def paragraphs_csv(found: Iterable[Segment]) -> str:
    """A row per paragraph, lines ended by CRLF."""
    rows = ((paragraph.start_s, paragraph.end_s, paragraph.text) for paragraph in found)
    return _csv(("start_time", "end_time", "text"), rows, line_end="\r\n")


def segments_csv(found: Iterable[TranscriptWindow]) -> str:
    """A row per window, lines ended by LF."""
    header = ("window_id", "start_time", "end_time", "word_count", "speech_rate", "text")
    rows = ((w.window_id, w.start_s, w.end_s, w.word_count, w.speech_rate, w.text) for w in found)
    return _csv(header, rows, line_end="\n")


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]], *, line_end: str) -> str:
    """The csv module writes floats by repr: the shortest decimal, and 90.0 for a whole number."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
