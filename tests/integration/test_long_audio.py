"""Files longer than a window: what the engine hears against what was said, above all at the seams."""

from pathlib import Path

import pytest

from core.audio import AudioObject, AudioSource
from core.transcript import Transcript, Word
from core.wer import Comparison, compare
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from infra.audio import PyAvReader
from infra.clock import SystemClock
from infra.local.memory import MemoryStore
from infra.parakeet import ParakeetRecognizer
from tests.recordings import Recording, five_minutes, five_minutes_of_real_voices

pytestmark = pytest.mark.asr

SPEC = WindowSpec(30.0, 4.0)
SEAM_S = 2.0
HIGHEST_WER = 0.02


def hear(path: Path, model: ParakeetRecognizer, spec: WindowSpec = SPEC) -> Transcript:
    """The way of a file through reader, windows, model and stitch."""
    store = MemoryStore(SystemClock())
    about = store.link("audio", path.name, path, {})
    source = AudioSource(AudioObject("audio", path.name, about.generation, about.size_bytes), store)
    reader = PyAvReader()
    return WindowedEngine(reader, model, spec, batch_size=8).transcribe(source, reader.probe(source))


def check(said: Recording, heard: Transcript) -> None:
    found = compare(said.words, heard.words)
    assert found.errors.rate <= HIGHEST_WER
    assert found.start_error_s is not None
    assert found.end_error_s is not None
    assert found.start_error_s <= 0.040
    assert found.end_error_s <= 0.080
    assert [word.start_s for word in unmatched(said, heard, found) if is_at_seam(word)] == []


def unmatched(said: Recording, heard: Transcript, found: Comparison) -> list[Word]:
    """Words that were lost, and words that were heard without being said: a doubled one is among these."""
    lost = [said.words[i] for i, j in found.pairs if i is not None and j is None]
    extra = [heard.words[j] for i, j in found.pairs if j is not None and i is None]
    return lost + extra


def is_at_seam(word: Word) -> bool:
    """Whether the middle of an overlap lies near the word."""
    step_s = SPEC.length_s - SPEC.overlap_s
    first_s = SPEC.length_s - SPEC.overlap_s / 2
    after_s = (word.midpoint_s - first_s) % step_s
    return min(after_s, step_s - after_s) < SEAM_S


def test_five_minutes_come_out_with_every_word_at_its_place(tiny_model: ParakeetRecognizer) -> None:
    said = five_minutes()
    check(said, hear(said.path, tiny_model))


def test_five_minutes_of_real_voices_come_out_with_every_word_at_its_place(
    tiny_model: ParakeetRecognizer,
) -> None:
    said = five_minutes_of_real_voices()
    check(said, hear(said.path, tiny_model))


@pytest.mark.full
def test_forty_five_minutes_come_out_with_every_word_at_its_place(
    tiny_model: ParakeetRecognizer, forty_five_minutes: Recording
) -> None:
    check(forty_five_minutes, hear(forty_five_minutes.path, tiny_model))


@pytest.mark.parametrize("length_s", [10.0, 17.3, 24.0, 45.0, 90.0])
def test_the_length_of_the_windows_changes_no_word(tiny_model: ParakeetRecognizer, length_s: float) -> None:
    said = five_minutes()
    heard = hear(said.path, tiny_model, WindowSpec(length_s, 4.0))
    assert compare(said.words, heard.words).errors.rate <= HIGHEST_WER
