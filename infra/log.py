"""One JSON object per line on standard error, with the field names that Cloud Logging understands."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TextIO

_context: ContextVar[Mapping[str, str]] = ContextVar("log_context", default=MappingProxyType({}))
OURS = "klipscribe"
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Renders a record with its context and its extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        line = {
            **_context.get(),
            **{key: value for key, value in record.__dict__.items() if key not in _STANDARD},
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "message": record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        # In ASCII, since names from outside may hold half a surrogate pair, which no stream can encode.
        return json.dumps(line, default=str)


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging through the formatter, once.

    Libraries stay at INFO or above: what they say below shows requests with their headers and signatures.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    if root.level < logging.INFO:
        root.setLevel(logging.INFO)
    logging.getLogger(OURS).setLevel(level)


@contextmanager
def context(**fields: str) -> Iterator[None]:
    """Add fields to every line that is logged inside the block."""
    token = _context.set({**_context.get(), **{key: value for key, value in fields.items() if value}})
    try:
        yield
    finally:
        _context.reset(token)
