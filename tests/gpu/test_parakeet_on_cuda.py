"""The staged recogniser on CUDA. Without a device every test is skipped, and says so."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from core.errors import EngineFailed
from core.memory import MARGIN
from core.transcript import Word
from infra import models
from infra.calibration import calibrated, measured
from infra.engine_options import EngineOptions
from infra.parakeet import ParakeetRecognizer
from infra.torch_errors import torch_errors
from infra.transducer import NemoTransducer
from scripts.make_samples import RATE_HZ
from tests.conftest import TINY_MODEL
from tests.hearing import Pcm, hear, pcm
from tests.recordings import short_samples

pytestmark = [pytest.mark.gpu, pytest.mark.asr]

EXACT = EngineOptions(device="cuda", precision="fp32", cuda_graphs="off")


@pytest.fixture(scope="module", autouse=True)
def cuda() -> Iterator[None]:
    """Skips without a device; with one, keeps TF32 off, whose rounding no CPU shares."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("unverified on CUDA: torch finds no device here")
    was = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = was


@pytest.fixture(scope="module")
def clips() -> list[Pcm]:
    """Of 3 to 26 s."""
    return [pcm(recording.audio()) for recording in short_samples()]


@pytest.fixture(scope="module")
def exact() -> ParakeetRecognizer:
    """The plain loop in fp32."""
    return ParakeetRecognizer(str(TINY_MODEL), EXACT)


def transducer_of(model: ParakeetRecognizer) -> NemoTransducer:
    transducer = model._ready().transducer
    assert isinstance(transducer, NemoTransducer)
    return transducer


def placed(words: list[Word]) -> list[tuple[str, float, float]]:
    return [(word.text, word.start_s, word.end_s) for word in words]


def test_tokens_are_those_of_transcribe_for_each_clip_alone(
    exact: ParakeetRecognizer, clips: list[Pcm]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NeMo's own use of older interfaces
        model = models.assemble(str(TINY_MODEL), "fp32").to("cuda")
        theirs = [
            model.transcribe([clip.astype(np.float32) / 32_768], batch_size=1, timestamps=True)[0]
            for clip in clips
        ]
    heard = exact.prepare(clips).run()
    ends = np.cumsum(heard.tokens.counts)
    for begin, end, words, their in zip(ends - heard.tokens.counts, ends, heard.words(), theirs, strict=True):
        assert heard.tokens.ids[begin:end].tolist() == their.y_sequence.tolist()
        assert [word.text for word in words] == [word["word"] for word in their.timestamp["word"]]


@pytest.mark.parametrize("wanted", ["auto", "on"])
def test_graphs_change_no_token_and_no_time(exact: ParakeetRecognizer, clips: list[Pcm], wanted: Any) -> None:
    options = EngineOptions(device="cuda", precision="fp32", cuda_graphs=wanted)
    graphed = ParakeetRecognizer(str(TINY_MODEL), options)
    graphed.ready()
    if transducer_of(graphed).decoder.graph is None:
        pytest.skip(f"unverified: no CUDA graphs ({wanted}) with this driver and cuda-python")
    for batch in (clips, clips[:1], clips[2:5]):
        found, expected = hear(graphed, batch), hear(exact, batch)
        assert list(map(placed, found)) == list(map(placed, expected))
    state = transducer_of(graphed).decoder.graph.state
    longest = np.tile(clips[0], 60 * RATE_HZ // len(clips[0]) + 1)
    assert placed(hear(graphed, [longest])[0]) == placed(hear(exact, [longest])[0])
    assert transducer_of(graphed).decoder.graph.state is state, "a larger batch must not capture anew"


def test_bf16_hears_nearly_the_same_words(exact: ParakeetRecognizer, clips: list[Pcm]) -> None:
    half = ParakeetRecognizer(str(TINY_MODEL), EngineOptions(device="cuda", precision="bf16"))
    found = [word.text for words in hear(half, clips) for word in words]
    expected = [word.text for words in hear(exact, clips) for word in words]
    assert len(set(expected) - set(found)) <= 0.03 * len(expected)
    assert abs(len(found) - len(expected)) <= 0.03 * len(expected)


def test_compiled_layers_hear_the_same_words(exact: ParakeetRecognizer, clips: list[Pcm]) -> None:
    options = EngineOptions(device="cuda", precision="fp32", cuda_graphs="off", compile=True)
    compiled = ParakeetRecognizer(str(TINY_MODEL), options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's compiler warns of its own parts
        compiled.ready()
        if transducer_of(compiled).model.encoder.layers[0]._compiled_call_impl is None:
            pytest.skip("unverified: torch.compile does not work on this machine")
        found = hear(compiled, clips)
    texts = [[word.text for word in words] for words in found]
    assert texts == [[word.text for word in words] for words in hear(exact, clips)]


def test_out_of_memory_is_told_and_the_next_batch_is_heard(
    exact: ParakeetRecognizer, clips: list[Pcm]
) -> None:
    import torch

    expected = hear(exact, clips[:1])
    with pytest.raises(EngineFailed) as caught, torch_errors():
        torch.empty(1 << 50, device="cuda")
    assert caught.value.code == "engine_out_of_memory"
    assert hear(exact, clips[:1]) == expected


def test_the_next_batch_is_copied_on_a_stream_of_its_own(exact: ParakeetRecognizer, clips: list[Pcm]) -> None:
    import torch

    exact.ready()
    torch.cuda.synchronize()
    torch.cuda._sleep(2_000_000_000)  # type: ignore[no-untyped-call]  # about a second of the device's time
    batch = exact.prepare(clips[:2])
    batch.staged.arrived.synchronize()
    assert not torch.cuda.current_stream().query(), "the copy waited for the batch before it"
    found = batch.run().words()
    assert found == hear(exact, clips[:2])


def test_the_largest_batches_take_no_more_than_was_planned(exact: ParakeetRecognizer) -> None:
    limits, transducer = exact.ready(), transducer_of(exact)
    footprint = calibrated(transducer, EXACT)
    for size_s, most in zip(limits.sizes_s, limits.most, strict=True):
        *_, taken = measured(transducer, most, size_s)
        assert taken <= MARGIN * footprint.bytes_of(most, size_s)
