"""The old place of TranscriptionRouter."""

from handlers.router import TranscriptionHandler, TranscriptionRouter

__all__ = ["TranscriptionHandler", "TranscriptionRouter"]
