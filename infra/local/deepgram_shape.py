"""Answers in the shape of Deepgram's POST /v1/listen, for the stand-in.

Shape: https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded and the types of
deepgram-sdk 7.17, read 2026-11.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from core.transcript import Segment, Word

CONFIDENCE = 0.98
SENTENCES_PER_PARAGRAPH = 4
UTTERANCE_GAP_S = 0.8  # utt_split's documented default

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """What the stand-in found out about the audio that it was given."""

    sha256: str
    duration_s: float
    channels: int


def words_for(known: Sequence[tuple[str, float, float]] | None, duration_s: float) -> list[Word]:
    """The words of a known recording; three honest ones, inside the audio, of an unknown one."""
    if known is not None:
        return [Word(text, start_s, end_s, CONFIDENCE) for text, start_s, end_s in known]
    step_s = duration_s / 4
    texts = ("deepgram", "stand", "in")
    return [
        Word(text, index * step_s, index * step_s + min(0.4, step_s / 2), CONFIDENCE)
        for index, text in enumerate(texts, 1)
    ]


def answer(recording: Recording, words: Sequence[Word], query: Mapping[str, str]) -> Json:
    """A whole answer; paragraphs and utterances only where the query asks for them, as Deepgram does."""
    reading: Json = {
        "transcript": _text(words),
        "confidence": CONFIDENCE if words else 0.0,
        "words": [_word(word) for word in words],
    }
    if query.get("paragraphs") == "true":
        reading["paragraphs"] = _paragraphs(words)
    results: Json = {"channels": [{"alternatives": [reading]}]}
    if query.get("utterances") == "true":
        results["utterances"] = [_utterance(run) for run in _utterances(words)]
    return {"metadata": _metadata(recording, query.get("model", "base")), "results": results}


def refusal(code: str, message: str) -> Json:
    """An error's body."""
    return {"err_code": code, "err_msg": message, "request_id": str(uuid.uuid4())}


def _metadata(recording: Recording, model: str) -> Json:
    model_id = str(uuid.uuid5(uuid.NAMESPACE_DNS, model))
    return {
        "transaction_key": "deprecated",
        "request_id": str(uuid.uuid4()),
        "sha256": recording.sha256,
        "created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "duration": recording.duration_s,
        "channels": recording.channels,
        "models": [model_id],
        "model_info": {model_id: {"name": f"general-{model}", "version": "stand-in", "arch": model}},
    }


def _word(word: Word) -> Json:
    return {
        "word": word.bare or word.text,
        "start": word.start_s,
        "end": word.end_s,
        "confidence": word.confidence,
        "punctuated_word": word.text,
    }


def _paragraphs(words: Sequence[Word]) -> Json:
    sentences = list(_runs(words, (word.ends_sentence for word in words)))
    size = SENTENCES_PER_PARAGRAPH
    groups = [sentences[first : first + size] for first in range(0, len(sentences), size)]
    text = "\n\n".join(" ".join(sentence.text for sentence in group) for group in groups)
    return {"transcript": f"\n{text}" if text else "", "paragraphs": [_paragraph(group) for group in groups]}


def _paragraph(sentences: Sequence[Segment]) -> Json:
    return {
        "sentences": [{"text": it.text, "start": it.start_s, "end": it.end_s} for it in sentences],
        "num_words": sum(len(it.words) for it in sentences),
        "start": sentences[0].start_s,
        "end": sentences[-1].end_s,
    }


def _utterances(words: Sequence[Word]) -> Iterator[Segment]:
    gaps = [after.start_s - before.end_s >= UTTERANCE_GAP_S for before, after in pairwise(words)]
    return _runs(words, [*gaps, True])


def _utterance(run: Segment) -> Json:
    return {
        "start": run.start_s,
        "end": run.end_s,
        "confidence": CONFIDENCE,
        "channel": 0,
        "transcript": run.text,
        "words": [_word(word) for word in run.words],
        "id": str(uuid.uuid4()),
    }


def _runs(words: Sequence[Word], ends_here: Iterable[bool]) -> Iterator[Segment]:
    """The words cut after each one that is marked; what is left at the end is a run too."""
    run: list[Word] = []
    for word, ends in zip(words, ends_here, strict=False):
        run.append(word)
        if ends:
            yield Segment(tuple(run))
            run = []
    if run:
        yield Segment(tuple(run))


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)
