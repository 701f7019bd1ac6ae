"""The old place of TranscriptionHandler."""

from handlers.router import TranscriptionHandler

__all__ = ["TranscriptionHandler"]
