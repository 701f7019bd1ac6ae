"""The JSON file of a transcript: Deepgram's shape for its readers, and plainer parts beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.document import Document
from core.paragraphs import sentences
from core.transcript import Gap, Segment, Transcript, Word

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a transcript comes from, as its JSON file tells it.

    Args:
        job_id: the job that made it.
        video_id: the video that it belongs to; it also names the files.
        audio: the gs:// URI of the audio.
        generation: the generation of the audio.
        created: when the transcript was made, with its time zone.
    """

    job_id: str
    video_id: str
    audio: str
    generation: int
    created: datetime


def transcript_json(doc: Document, origin: Origin) -> str:
    """Deepgram's shape, and beside it text, words, sentences, gaps and metadata. One line."""
    words = [_word(word) for word in doc.transcript.words]
    alternative = {
        "transcript": doc.transcript.text,
        "confidence": round(doc.transcript.confidence, 4),
        "words": words,
        "paragraphs": _paragraphs(doc.paragraphs),
    }
    body = {
        "metadata": _metadata(doc.transcript, origin),
        "text": doc.transcript.text,
        "segments": [_span(sentence) for sentence in doc.sentences],
        "gaps": [_gap(gap) for gap in doc.transcript.gaps],
        "words": words,
        "results": {"channels": [{"alternatives": [alternative]}]},
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def _metadata(transcript: Transcript, origin: Origin) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "job_id": origin.job_id,
        "video_id": origin.video_id,
        "audio": origin.audio,
        "generation": origin.generation,
        "engine": transcript.engine,
        "model": transcript.model,
        "language": transcript.language,
        "duration": round(transcript.duration_s, 3),
        "created": origin.created.isoformat(timespec="seconds"),
    }


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": word.bare or word.text,
        "punctuated_word": word.text,
        "start": word.start_s,
        "end": word.end_s,
        "confidence": word.confidence,
    }


def _span(segment: Segment) -> dict[str, Any]:
    return {"text": segment.text, "start": segment.start_s, "end": segment.end_s}


def _gap(gap: Gap) -> dict[str, Any]:
    return {"start": gap.start_s, "end": gap.end_s, "reason": gap.reason}


def _paragraphs(found: Sequence[Segment]) -> dict[str, Any]:
    return {
        "transcript": "\n\n".join(paragraph.text for paragraph in found),
        "paragraphs": [
            {
                "sentences": [_span(sentence) for sentence in sentences(paragraph.words)],
                "num_words": len(paragraph.words),
                "start": paragraph.start_s,
                "end": paragraph.end_s,
            }
            for paragraph in found
        ],
    }
