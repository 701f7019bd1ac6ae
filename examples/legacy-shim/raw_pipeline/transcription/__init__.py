"""The old package of transcription."""

from handlers.router import TranscriptionRouter

__all__ = ["TranscriptionRouter"]
