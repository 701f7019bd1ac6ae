"""On an object that appeared in the audio bucket."""

import logging

from core.errors import MalformedMessage
from core.events import Event
from core.jobs import Manifest
from core.reception import Reception
from handlers.envelope import Delivery, audio_of

log = logging.getLogger("klipscribe.ingest")


def handle(reception: Reception, delivery: Delivery) -> None:
    """Request the transcription of audio; pass over everything else that storage tells."""
    if not delivery.is_from_storage:
        raise MalformedMessage(f"unknown message type {delivery.type!r}, expected one of storage's")
    audio = audio_of(delivery)
    result = reception.run(audio) if audio else None
    if audio is None or result is None:
        log.info("not audio, passed over", extra={"event_type": delivery.type, "outcome": "ignored"})
    elif isinstance(result, Manifest):
        ended = {"outcome": result.outcome, "code": result.body.get("code", ""), "job_id": audio.job_id}
        log.info("ended at ingest", extra=ended)
    elif isinstance(result, Event):
        codes = ",".join(reason["code"] for reason in result.data.get("reasons", ()))
        log.info("requested", extra={"event_type": result.type, "job_id": audio.job_id, "reasons": codes})
