"""On a request for a transcript: the GPU service's, and the fallback's with the other engine."""

import logging
from collections.abc import Mapping
from typing import Any

from core.errors import MalformedMessage
from core.events import job_of
from core.jobs import Manifest
from core.transcription import Transcription
from handlers.envelope import Delivery

log = logging.getLogger("klipscribe.transcribe")

SUMMARY = ("engine", "method", "audio_s", "processing_s", "rtfx", "cost_usd", "words_count", "code")


def handle(transcription: Transcription, expected: str, delivery: Delivery) -> None:
    """Carry the job to its outcome, or over to the fallback topic."""
    if delivery.type != expected:
        raise MalformedMessage(f"unknown message type {delivery.type!r}, expected {expected}")
    result = transcription.run(job_of(delivery.data))
    if isinstance(result, Manifest):
        figures = {key: result.body[key] for key in SUMMARY if key in result.body}
        log.info("job ended", extra={"outcome": result.outcome, "reasons": _codes(result.body), **figures})
    else:
        log.info("handed over to the fallback", extra={"outcome": "fallback", "reasons": _codes(result.data)})


def _codes(said: Mapping[str, Any]) -> str:
    return ",".join(reason["code"] for reason in said.get("reasons", ()))
