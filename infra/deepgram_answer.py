"""Deepgram's answer, read with suspicion: what is missing or impossible fails, and shortens nothing."""

import json
from dataclasses import replace
from typing import Any, TypeVar

from core.audio import AudioInfo
from core.errors import EngineFailed
from core.transcript import Transcript, Word, monotone

# Deepgram's times lie on a grid of 80 ms: rounding may move two words past each other by about that much,
# and the last word a little past the end. More than this is not rounding.
MAX_DISORDER_S = 0.1
MAX_OVERHANG_S = 0.5

# Wider than any time in seconds; a larger number, an infinity or NaN is none of Deepgram's.
_FAR = 1e9

_T = TypeVar("_T", dict[str, Any], list[Any], str)


def transcript_of(
    raw: bytes, info: AudioInfo, *, model: str, language: str, sent_sha256: str | None = None
) -> Transcript:
    """The transcript in an answer to one recording.

    An empty list of words is a transcript: silence. Its duration is the one that Deepgram measured by
    decoding, once it agrees with the header's within 1 s or 2 %. Where the header states none there is
    nothing to compare with: an estimate may be a fifth off.

    Args:
        raw: the answer as it came, JSON.
        info: what probing found.
        model: the model that was asked for.
        language: the language that was asked for.
        sent_sha256: hex digest of the bytes that were sent; None when Deepgram fetched them itself.

    Raises:
        EngineFailed: code engine_bad_result. The message names fields, never what they say.
    """
    answer = _json(raw)
    duration_s = _duration_s(_get(answer, "metadata", dict, ""), info, sent_sha256)
    words = _words(_alternative(_get(answer, "results", dict, "")), duration_s)
    return Transcript(monotone(words, duration_s), duration_s, "deepgram", model, language)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        raise _bad("the body is not JSON") from None


def _duration_s(metadata: dict[str, Any], info: AudioInfo, sent_sha256: str | None) -> float:
    _get(metadata, "request_id", str, "metadata")
    heard_sha256 = _get(metadata, "sha256", str, "metadata")
    if sent_sha256 is not None and heard_sha256 != sent_sha256:
        raise _bad("metadata.sha256 is not that of the bytes sent")
    duration_s = _number(metadata, "duration", "metadata")
    wrong_s = 0.0 if info.is_estimate else abs(duration_s - info.duration_s)
    if duration_s <= 0 or wrong_s > max(1.0, 0.02 * info.duration_s):
        raise _bad(f"metadata.duration is {duration_s:.3f} s, expected about {info.duration_s:.3f} s")
    return duration_s


def _alternative(results: dict[str, Any]) -> dict[str, Any]:
    """The first reading of the only channel: more channels than one were never asked for."""
    channels = _get(results, "channels", list, "results")
    if len(channels) != 1:
        raise _bad(f"results.channels has {len(channels)} entries, expected 1")
    alternatives = _get(channels[0], "alternatives", list, "channels[0]")
    if not alternatives or not isinstance(alternatives[0], dict):
        raise _bad("channels[0].alternatives holds no reading")
    return alternatives[0]


def _words(alternative: dict[str, Any], duration_s: float) -> list[Word]:
    text = _get(alternative, "transcript", str, "alternatives[0]")
    found = _get(alternative, "words", list, "alternatives[0]")
    if text.strip() and not found:
        raise _bad("alternatives[0] has a transcript but no words")
    words: list[Word] = []
    for index, node in enumerate(found):
        word = _word(node, f"words[{index}]", duration_s)
        words.append(_kept_after(words[-1], word, index) if words else word)
    return words


def _word(node: Any, path: str, duration_s: float) -> Word:
    bare = _get(node, "word", str, path)
    text = " ".join((_get(node, "punctuated_word", str, path) if "punctuated_word" in node else bare).split())
    start_s, end_s = _number(node, "start", path), _number(node, "end", path)
    confidence = _number(node, "confidence", path)
    if not text or not 0 <= confidence <= 1:
        raise _bad(f"{path} is empty, or its confidence of {confidence} is outside of 0 to 1")
    if not 0 <= start_s <= end_s <= duration_s + MAX_OVERHANG_S:
        raise _bad(f"{path} is from {start_s} s to {end_s} s in audio of {duration_s} s")
    return Word(text, start_s, end_s, confidence)


def _kept_after(ahead: Word, word: Word, index: int) -> Word:
    """The word, not to be sorted ahead of the one that Deepgram wrote before it."""
    if word.start_s < ahead.start_s - MAX_DISORDER_S:
        raise _bad(f"words[{index}] starts at {word.start_s} s, the one ahead of it at {ahead.start_s} s")
    if word.start_s > ahead.start_s:
        return word
    return replace(word, start_s=ahead.start_s, end_s=max(word.end_s, ahead.end_s))


def _get(node: Any, key: str, kind: type[_T], path: str) -> _T:
    value = node.get(key) if isinstance(node, dict) else None
    if not isinstance(value, kind):
        raise _bad(f"{path or 'answer'}.{key} is {type(value).__name__}, expected {kind.__name__}")
    return value


def _number(node: dict[str, Any], key: str, path: str) -> float:
    value = node.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _FAR:
        raise _bad(f"{path}.{key} is {type(value).__name__}, expected a number of at most 1e9")
    return float(value)


def _bad(what: str) -> EngineFailed:
    return EngineFailed(f"Deepgram's answer: {what}", code="engine_bad_result")
