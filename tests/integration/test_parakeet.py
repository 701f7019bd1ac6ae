"""The real NeMo code path, with the bundled model."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest

from core.errors import EngineFailed
from core.transcript import Word, text_of
from core.wer import compare
from infra import calibration, models, nemo
from infra.acceleration import use_attention
from infra.engine_options import EngineOptions
from infra.parakeet import ParakeetRecognizer
from infra.transducer import NemoTransducer, Tokens, fetched
from scripts.make_samples import RATE_HZ
from tests.conftest import TINY_MODEL
from tests.hearing import Pcm, hear, pcm
from tests.recordings import Recording, committed, five_minutes, real_voices, short_samples

pytestmark = pytest.mark.asr

MAX_START_S = 0.040
MAX_END_S = 0.080


@pytest.fixture(scope="module")
def untouched() -> Any:
    """A model of its own for transcribe(), which rebuilds the decoder."""
    return models.assemble(str(TINY_MODEL), "fp32")


@pytest.fixture(scope="module")
def clips() -> list[Pcm]:
    """Of 3 to 26 s."""
    return [pcm(recording.audio()) for recording in short_samples()]


@pytest.fixture(scope="module")
def theirs(untouched: Any, clips: list[Pcm]) -> list[Any]:
    """What transcribe() hears in each clip alone; in a batch its durations are wrong (docs/learned.md)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NeMo's own use of torch's and lhotse's older interfaces
        return [
            untouched.transcribe(
                [clip.astype(np.float32) / 32_768], batch_size=1, timestamps=True, verbose=False
            )[0]
            for clip in clips
        ]


def transducer_of(model: ParakeetRecognizer) -> NemoTransducer:
    transducer = model._ready().transducer
    assert isinstance(transducer, NemoTransducer)
    return transducer


def same_words(words: list[Word], theirs: Any, duration_s: float) -> None:
    assert [word.text for word in words] == [word["word"] for word in theirs.timestamp["word"]]
    for word, their in zip(words, theirs.timestamp["word"], strict=True):
        assert word.start_s == pytest.approx(their["start"])
        assert word.end_s == pytest.approx(min(their["end"], duration_s))


@pytest.mark.parametrize("together", [True, False], ids=["batched", "solo"])
def test_tokens_and_times_are_those_of_transcribe(
    tiny_model: ParakeetRecognizer, clips: list[Pcm], theirs: list[Any], together: bool
) -> None:
    size = len(clips) if together else 1
    for at in range(0, len(clips), size):
        run = tiny_model.prepare(clips[at : at + size]).run()
        ends = np.cumsum(run.tokens.counts)
        found = zip(ends - run.tokens.counts, ends, run.words(), strict=True)
        for (begin, end, words), clip, their in zip(found, clips[at:], theirs[at:], strict=False):
            assert run.tokens.ids[begin:end].tolist() == their.y_sequence.tolist()
            assert run.tokens.frames[begin:end].tolist() == list(their.timestamp["timestep"])
            same_words(words, their, len(clip) / RATE_HZ)


def test_batches_that_run_at_the_same_time_hear_the_very_same_as_alone(
    tiny_model: ParakeetRecognizer,
) -> None:
    audio = pcm(five_minutes().audio())
    rng = np.random.default_rng(3)
    batches = []
    for _ in range(8):
        starts = rng.integers(0, len(audio) - 12 * RATE_HZ, 3)
        batches.append([audio[at : at + int(rng.integers(2, 12)) * RATE_HZ] for at in starts])
    alone = [tiny_model.prepare(batch).run() for batch in batches]
    together = Barrier(4, timeout=60)

    def run(index: int) -> Any:
        together.wait()
        return tiny_model.prepare(batches[index]).run()

    with ThreadPoolExecutor(4) as pool:
        for turn in range(2):
            found = list(pool.map(run, range(8)))
            for ours, expected in zip(found, alone, strict=True):
                for column in Tokens.__slots__:
                    np.testing.assert_array_equal(
                        getattr(ours.tokens, column), getattr(expected.tokens, column), f"{column} in {turn}"
                    )


def test_a_window_longer_than_the_table_of_positions_is_heard_while_another_runs() -> None:
    model = ParakeetRecognizer(str(TINY_MODEL), EngineOptions(device="cpu"))
    transducer = transducer_of(model)
    old = transducer.model.encoder.pos_enc
    old.pe = old.pe[:, 4_999 - 99 : 4_999 + 100].clone()
    transducer._positions._frames = 100
    clip = pcm(committed()["countdown.flac"].audio())
    short, long = clip[: 3 * RATE_HZ], np.tile(clip, 4)[: 20 * RATE_HZ]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda window: hear(model, [window]), [short, long] * 3))
    assert len(transducer.model.encoder.pos_enc.pe[0]) > 199
    fresh = ParakeetRecognizer(str(TINY_MODEL), EngineOptions(device="cpu"))
    assert found == [hear(fresh, [window]) for window in (short, long)] * 3


def test_fused_attention_hears_the_same_as_nemos_own(
    tiny_model: ParakeetRecognizer, clips: list[Pcm]
) -> None:
    encoder = transducer_of(tiny_model).model.encoder
    fused = hear(tiny_model, clips)
    use_attention(encoder, fused=False)
    try:
        assert not any(getattr(module, "use_pytorch_sdpa", False) for module in encoder.modules())
        eager = hear(tiny_model, clips)
    finally:
        use_attention(encoder, fused=True)
    for one, other in zip(fused, eager, strict=True):
        assert [(word.text, word.start_s, word.end_s) for word in one] == [
            (word.text, word.start_s, word.end_s) for word in other
        ]
        assert [word.confidence for word in one] == pytest.approx(
            [word.confidence for word in other], abs=1e-3
        )


def test_windows_that_are_subsampled_one_by_one_come_out_as_from_the_whole_batch(
    tiny_model: ParakeetRecognizer,
) -> None:
    import torch

    subsampling = transducer_of(tiny_model).model.encoder.pre_encode.conv
    features = torch.randn(3, 800, 80, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([800, 333, 1])
    with torch.inference_mode():
        found, found_lengths = subsampling(features, lengths)
        whole, whole_lengths = type(subsampling).forward(subsampling, features, lengths)
    assert "forward" in vars(subsampling)
    assert found_lengths.tolist() == whole_lengths.tolist()
    torch.testing.assert_close(found, whole, rtol=1e-5, atol=1e-5)


def test_the_loop_that_graphs_are_captured_from_gives_the_same_tokens_and_durations(
    tiny_model: ParakeetRecognizer, clips: list[Pcm]
) -> None:
    import torch

    transducer = transducer_of(tiny_model)
    expected = tiny_model.prepare(clips).run().tokens
    loop = nemo.decoding_loop(transducer.model, graphs=True)
    loop.force_cuda_graphs_mode("no_graphs")
    with torch.inference_mode():
        encoded, lengths = transducer.encode(transducer.stage(clips))
        loop.cuda_graphs_impl(encoded.repeat(2, 1, 1), lengths.repeat(2))  # captures for more rows
        hypotheses, _ = loop.cuda_graphs_impl(encoded, lengths)
    assert hypotheses.transcript.shape[0] == 2 * len(clips)
    found = fetched(hypotheses, rows=len(clips))
    for column in ("counts", "ids", "frames", "durations"):
        assert getattr(found, column).tolist() == getattr(expected, column).tolist()
    np.testing.assert_allclose(found.confidences, expected.confidences, atol=1e-5)


def test_an_encoder_in_bf16_hears_nearly_the_same_words(
    tiny_model: ParakeetRecognizer, clips: list[Pcm]
) -> None:
    half = ParakeetRecognizer(str(TINY_MODEL), EngineOptions(device="cpu", precision="bf16"))
    found, expected = (
        [word.text for words in hear(model, clips) for word in words] for model in (half, tiny_model)
    )
    assert transducer_of(half).model.encoder.layers[0].norm_out.weight.dtype.itemsize == 2
    assert len(found) == len(expected)
    assert sum(ours != theirs for ours, theirs in zip(found, expected, strict=True)) <= 0.03 * len(expected)


@pytest.mark.full
def test_compiled_layers_hear_the_same(tiny_model: ParakeetRecognizer, clips: list[Pcm]) -> None:
    compiled = ParakeetRecognizer(str(TINY_MODEL), EngineOptions(device="cpu", compile=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's compiler warns of its own parts
        compiled.ready()
        layers = transducer_of(compiled).model.encoder.layers
        if layers[0]._compiled_call_impl is None:
            pytest.skip("unverified: torch.compile does not work on this machine")
        found = hear(compiled, clips)
    assert [[word.text for word in words] for words in found] == [
        [word.text for word in words] for words in hear(tiny_model, clips)
    ]


def test_layers_that_cannot_be_compiled_run_as_they_are(
    tiny_model: ParakeetRecognizer, clips: list[Pcm]
) -> None:
    transducer = transducer_of(tiny_model)
    expected = hear(tiny_model, clips[:1])

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no compiler here")

    def compile_badly(encoder: Any) -> None:
        for layer in encoder.layers:
            layer._compiled_call_impl = broken

    assert not calibration.try_compiled(transducer, compile_badly)
    assert hear(tiny_model, clips[:1]) == expected


@pytest.mark.parametrize("recording", short_samples(), ids=lambda recording: recording.path.name)
def test_a_sample_comes_out_word_for_word(tiny_model: ParakeetRecognizer, recording: Recording) -> None:
    [heard] = hear(tiny_model, [pcm(recording.audio())])
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
    heard = hear(tiny_model, [pcm(recording.audio()) for recording in recordings])
    spoken = sum(len(recording.words) for recording in recordings)
    wrong = sum(
        compare(recording.words, words).errors.edits
        for recording, words in zip(recordings, heard, strict=True)
    )
    assert wrong <= 0.05 * spoken


def test_a_window_shorter_than_a_second_is_not_shifted(tiny_model: ParakeetRecognizer) -> None:
    recording = committed()["countdown.flac"]
    audio, word = pcm(recording.audio()), recording.words[1]
    begin_s = word.start_s - 0.15
    window = audio[round(begin_s * RATE_HZ) : round((word.end_s + 0.1) * RATE_HZ)]
    assert len(window) < RATE_HZ
    [[heard]] = hear(tiny_model, [window])
    assert heard.text == word.text
    assert heard.start_s == pytest.approx(0.15, abs=0.08)


def test_silence_and_noise_of_any_length_do_no_harm(tiny_model: ParakeetRecognizer) -> None:
    noise = pcm(np.random.default_rng(7).normal(0, 0.05, 30 * RATE_HZ).astype(np.float32))
    windows = [
        np.zeros(1_600, np.int16),
        noise[:1_600],
        np.zeros(10 * RATE_HZ, np.int16),
        noise,
        np.clip(noise.astype(np.int32) * 10, -32_768, 32_767).astype(np.int16),
    ]
    heard = hear(tiny_model, windows)
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
            ParakeetRecognizer(str(path)).ready()
        assert caught.value.code == "engine_model_unavailable"
        assert caught.value.deterministic
