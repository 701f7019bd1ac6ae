"""The committed recordings hold what their manifest says, where it says so."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from core.transcript import Word
from scripts.make_samples import (
    FOLDER,
    RATE_HZ,
    RECIPES,
    VOCABULARY,
    Recipe,
    Samples,
    decode,
    encode,
    offset_s,
)
from tests.recordings import Recording, committed, five_minutes, short_samples

every_sample = pytest.mark.parametrize(
    "recording", committed().values(), ids=lambda recording: recording.path.name
)


def loudness(audio: Samples, begin_s: float, end_s: float) -> float:
    return float(np.sqrt(np.mean(audio[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ)] ** 2)))


def is_heard(audio: Samples, word: Word) -> bool:
    """Whether loudness rises by 6 dB at the start of the word and falls by 6 dB at its end, within 15 ms."""
    before, first = (loudness(audio, word.start_s + at, word.start_s + at + 0.02) for at in (-0.025, 0.015))
    last, after = (loudness(audio, word.end_s + at, word.end_s + at + 0.02) for at in (-0.035, 0.015))
    return first > 2 * before and last > 2 * after


def test_the_files_are_those_of_the_manifest() -> None:
    rows = [json.loads(line) for line in (FOLDER / "manifest.jsonl").read_text().splitlines()]
    sums = {row["file"]: row["sha256"] for row in rows}
    assert sums == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FOLDER.iterdir()
        if path.name not in ("manifest.jsonl", "README.md")
    }
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


@every_sample
def test_audio_begins_and_ends_with_each_word_of_the_manifest(recording: Recording) -> None:
    audio = recording.audio()
    assert len(audio) / RATE_HZ == pytest.approx(recording.duration_s, abs=0.001)
    off = [index for index, word in enumerate(recording.words) if not is_heard(audio, word)]
    assert len(off) <= max(1, 0.02 * len(recording.words)), off  # opus blurs a soft ending now and then


@every_sample
def test_words_are_of_the_vocabulary_in_order_and_apart(recording: Recording) -> None:
    assert {word.text for word in recording.words} <= set(VOCABULARY)
    for word, following in zip(recording.words, recording.words[1:], strict=False):
        assert 0.149 <= following.start_s - word.end_s <= 1.5


def test_the_set_covers_short_and_long_and_several_formats() -> None:
    assert {recording.path.suffix for recording in short_samples()} == {".flac", ".mp3", ".m4a", ".ogg"}
    assert all(3 <= recording.duration_s <= 26 for recording in short_samples())
    assert 300 <= five_minutes().duration_s <= 310


def test_the_measure_of_alignment_sees_a_shift() -> None:
    audio = short_samples()[0].audio()
    late = np.concatenate([np.zeros(80, np.float32), audio])
    assert offset_s(late, audio) == 0.005
    assert offset_s(audio, late) == -0.005


@pytest.mark.parametrize(
    "recipe", {recipe.encoding: recipe for recipe in RECIPES}.values(), ids=lambda recipe: recipe.file
)
def test_what_a_codec_adds_in_front_is_gone_after_decoding(tmp_path: Path, recipe: Recipe) -> None:
    audio = short_samples()[1].audio()
    path = tmp_path / recipe.file
    encode(path, audio, recipe.encoding)
    assert abs(offset_s(decode(path), audio)) <= 0.001


@pytest.mark.full
def test_forty_five_minutes_keep_the_times_of_their_words(forty_five_minutes: Recording) -> None:
    audio = forty_five_minutes.audio()
    assert 45 * 60 <= forty_five_minutes.duration_s < 51 * 60
    assert len(audio) / RATE_HZ == pytest.approx(forty_five_minutes.duration_s, abs=0.1)
    assert sum(not is_heard(audio, word) for word in forty_five_minutes.words) <= 0.02 * len(
        forty_five_minutes.words
    )
