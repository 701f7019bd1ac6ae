"""What comes with the project: a small model, and recordings whose words are known."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.transcript import Word

ASSETS = Path(__file__).parent / "assets"
TINY_MODEL = ASSETS / "parakeet-tiny" / "parakeet-tdt-tiny.nemo"


@dataclass(frozen=True, slots=True)
class Sample:
    """A recording and the words in it, at the places where they were put."""

    path: Path
    sha256: str
    duration_s: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words, joined by one space."""
        return " ".join(word.text for word in self.words)


def samples(folder: Path = ASSETS / "samples") -> list[Sample]:
    """The project's own recordings, in the order of their manifest."""
    lines = (folder / "manifest.jsonl").read_text().splitlines()
    return [_sample(folder, json.loads(line)) for line in lines]


def known_recordings() -> dict[str, list[tuple[str, float, float]]]:
    """sha256 of each recording's bytes -> its words with start and end: what the Deepgram stand-in hears."""
    return {
        sample.sha256: [(word.text, word.start_s, word.end_s) for word in sample.words]
        for sample in samples()
    }


def _sample(folder: Path, values: dict[str, Any]) -> Sample:
    return Sample(
        path=folder / values["file"],
        sha256=values["sha256"],
        duration_s=values["duration_s"],
        words=tuple(Word(item["word"], item["start"], item["end"]) for item in values["words"]),
    )
