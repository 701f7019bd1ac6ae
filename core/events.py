"""The messages between the parts, as CloudEvents. Bodies are typed; schemas/ holds one JSON Schema each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

TYPE_PREFIX = "com.klipstream.transcription"
REQUESTED = f"{TYPE_PREFIX}.requested.v1"
FALLBACK_REQUESTED = f"{TYPE_PREFIX}.fallback-requested.v1"
STARTED = f"{TYPE_PREFIX}.started.v1"
PROGRESS = f"{TYPE_PREFIX}.progress.v1"
COMPLETED = f"{TYPE_PREFIX}.completed.v1"
FAILED = f"{TYPE_PREFIX}.failed.v1"


@dataclass(frozen=True, slots=True)
class Event:
    """One CloudEvents 1.0 event.

    Args:
        id: deterministic; (source, id) lets a subscriber drop duplicates.
        type: one of the types above.
        source: which part of which deployment speaks.
        subject: the gs:// URI of the audio.
        time: when it happened, in UTC.
        data: the body, as plain JSON values.
        attributes: further message attributes: for filters, and the trace.
    """

    id: str
    type: str
    source: str
    subject: str
    time: datetime
    data: Mapping[str, Any]
    attributes: Mapping[str, str] = field(default_factory=dict)
