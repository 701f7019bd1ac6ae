"""The real NeMo code path, with the bundled model."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import EngineFailed
from core.transcript import text_of
from core.wer import compare
from infra import nemo
from infra.parakeet import ParakeetRecognizer
from scripts.make_samples import RATE_HZ, Samples
from tests.conftest import TINY_MODEL
from tests.recordings import Recording, committed, real_voices, short_samples

pytestmark = pytest.mark.asr

MAX_START_S = 0.040
MAX_END_S = 0.080


@pytest.fixture(scope="module")
def untouched() -> Any:
    """A model of its own for transcribe(), which rebuilds the decoder."""
    with nemo._quiet():
        return nemo._restore(str(TINY_MODEL))


def transcribed(model: Any, clip: Samples) -> Any:
    """What transcribe() hears in one clip alone; in a batch its durations are wrong (docs/learned.md)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NeMo's own use of torch's and lhotse's older interfaces
        return model.transcribe([clip], batch_size=1, timestamps=True, verbose=False)[0]


@pytest.mark.parametrize("together", [True, False], ids=["batched", "solo"])
def test_tokens_and_times_are_those_of_transcribe(
    tiny_model: ParakeetRecognizer, untouched: Any, together: bool
) -> None:
    clips = [recording.audio() for recording in short_samples()]
    transducer = tiny_model._ready()
    for batch in [clips] if together else [[clip] for clip in clips]:
        for clip, tokens, words in zip(
            batch, transducer.tokens(batch), tiny_model.recognize(batch), strict=True
        ):
            theirs = transcribed(untouched, clip)
            pieces = untouched.tokenizer.ids_to_tokens(theirs.y_sequence.tolist())
            assert [token.piece for token in tokens] == pieces
            assert [token.frame for token in tokens] == list(theirs.timestamp["timestep"])
            duration_s = len(clip) / RATE_HZ
            assert [word.text for word in words] == [word["word"] for word in theirs.timestamp["word"]]
            for word, their in zip(words, theirs.timestamp["word"], strict=True):
                assert word.start_s == pytest.approx(their["start"])
                assert word.end_s == pytest.approx(min(their["end"], duration_s))


@pytest.mark.parametrize("recording", short_samples(), ids=lambda recording: recording.path.name)
def test_a_sample_comes_out_word_for_word(tiny_model: ParakeetRecognizer, recording: Recording) -> None:
    [heard] = tiny_model.recognize([recording.audio()])
    assert text_of(heard) == recording.text
    found = compare(recording.words, heard)
    assert found.start_error_s is not None
    assert found.end_error_s is not None
    assert found.start_error_s <= MAX_START_S
    assert found.end_error_s <= MAX_END_S


def test_real_voices_come_out_with_five_errors_in_a_hundred_words_at_most(
    tiny_model: ParakeetRecognizer,
) -> None:
    recordings = real_voices()
    heard = tiny_model.recognize([recording.audio() for recording in recordings])
    spoken = sum(len(recording.words) for recording in recordings)
    wrong = sum(
        compare(recording.words, words).errors.edits
        for recording, words in zip(recordings, heard, strict=True)
    )
    assert wrong <= 0.05 * spoken


def test_a_window_shorter_than_a_second_is_not_shifted(tiny_model: ParakeetRecognizer) -> None:
    recording = committed()["countdown.flac"]
    audio, word = recording.audio(), recording.words[1]
    begin_s = word.start_s - 0.15
    window = audio[round(begin_s * RATE_HZ) : round((word.end_s + 0.1) * RATE_HZ)]
    assert len(window) < RATE_HZ
    [[heard]] = tiny_model.recognize([window])
    assert heard.text == word.text
    assert heard.start_s == pytest.approx(0.15, abs=0.08)


def test_silence_and_noise_of_any_length_do_no_harm(tiny_model: ParakeetRecognizer) -> None:
    noise = np.random.default_rng(7).normal(0, 0.05, 30 * RATE_HZ).astype(np.float32)
    windows = [
        np.zeros(1_600, np.float32),
        noise[:1_600],
        np.zeros(10 * RATE_HZ, np.float32),
        noise,
        noise * 10,
    ]
    heard = tiny_model.recognize(windows)
    assert len(heard) == len(windows)
    assert heard[0] == heard[2] == []
    for window, words in zip(windows, heard, strict=True):
        assert all(0 <= word.start_s < word.end_s <= len(window) / RATE_HZ for word in words)


def test_a_model_file_that_is_missing_or_broken_says_what_to_set(tmp_path: Path) -> None:
    broken = tmp_path / "broken.nemo"
    broken.write_bytes(b"no model")
    for path in (tmp_path / "missing.nemo", broken):
        with pytest.raises(
            EngineFailed, match=rf"{path.name} can't be loaded .* PARAKEET_MODEL_NAME"
        ) as caught:
            ParakeetRecognizer(str(path)).load()
        assert caught.value.code == "engine_model_unavailable"
        assert caught.value.deterministic


def test_torch_errors_are_mapped_by_the_table(tiny_model: ParakeetRecognizer) -> None:
    import torch

    for error, code in (
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), "engine_out_of_memory"),
        (RuntimeError("CUDA error: an illegal memory access\nlong story"), "engine_failed"),
    ):
        with pytest.raises(EngineFailed) as caught, nemo.torch_errors():
            raise error
        assert caught.value.code == code
        assert "long story" not in str(caught.value)
