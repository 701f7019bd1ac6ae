"""Models with random weights: their size, and that they speak at a usual pace."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from infra import emission, models
from infra.quiet import quiet
from infra.random_model import SHAPES
from scripts.make_samples import RATE_HZ
from tests.recordings import five_minutes, short_samples

pytestmark = pytest.mark.asr

PARAMETERS = {"random:0.6b": 617_825_926, "random:tiny": 2_720_390}
"""617.8 M: inference on parakeet-tdt-0.6b-v2; the other as the bundled model's card says."""


def ready(name: str) -> Any:
    """A model whose decoder is set as for serving."""
    import torch

    from infra import nemo

    torch.set_num_threads(1)  # with more, a busy machine makes so small a model ten times slower
    model = models.assemble(name, "fp32")
    nemo.make_repeatable(model)
    nemo.decoding_loop(model, graphs=False)
    return model


def clips(name: str) -> list[NDArray[np.float32]]:
    """Made-up and recorded speech; less of it for the model that takes half as long as the audio."""
    long = five_minutes().audio()
    if name == "random:tiny":
        return [*babbles(3), *(recording.audio() for recording in short_samples()), long[: 120 * RATE_HZ]]
    return [*babbles(1), long[: 20 * RATE_HZ]]


def babbles(count: int) -> list[NDArray[np.float32]]:
    return [emission.babble(20.0, seed) for seed in range(100, 100 + count)]


def heard(model: Any, audio: Sequence[NDArray[np.float32]]) -> tuple[list[int], list[int]]:
    """Tokens and durations in all the clips."""
    import torch

    tokens, durations = [], []
    for clip in audio:
        frames, length = emission._encoded(model, clip)
        with torch.inference_mode():
            hypotheses, _ = model.decoding.decoding.decoding_computer(x=frames, out_len=length)
        count, *columns = hypotheses.get_data_without_blank()
        tokens += columns[0][0, : count[0]].tolist()
        durations += columns[2][0, : count[0]].tolist()
    return tokens, durations


@pytest.fixture(scope="module")
def tiny() -> Any:
    return ready("random:tiny")


def check_pace(name: str, model: Any) -> None:
    assert sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[name]
    for clip in (emission.babble(20.0, 100), clips(name)[-1]):
        assert 2.5 < emission.tokens_per_s(model, [clip]) < 4.5
    assert 3.0 < emission.tokens_per_s(model, clips(name)) < 4.0


def test_a_small_random_model_says_three_to_four_tokens_a_second(tiny: Any) -> None:
    check_pace("random:tiny", tiny)


@pytest.mark.full
def test_the_large_random_model_says_three_to_four_tokens_a_second() -> None:
    check_pace("random:0.6b", ready("random:0.6b"))


def test_random_words_are_many_and_follow_the_audio(tiny: Any) -> None:
    tokens, durations = heard(tiny, babbles(3))
    assert len(set(tokens)) > 20
    assert set(durations) >= {1, 2, 3, 4}
    assert max(durations.count(duration) for duration in range(5)) < 0.7 * len(durations)
    assert heard(tiny, [emission.babble(20.0, 1)]) != heard(tiny, [emission.babble(20.0, 2)])


def test_a_random_model_is_the_same_each_time_and_leaves_the_callers_chance_alone(tiny: Any) -> None:
    import torch

    before = torch.random.get_rng_state()
    again = models.assemble("random:tiny", "fp32")
    assert torch.equal(torch.random.get_rng_state(), before)
    for name, tensor in tiny.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_the_pace_that_was_calibrated_is_found_again() -> None:
    model = ready("random:tiny")
    found = emission.calibrate(model, [*babbles(2), five_minutes().audio()[: 60 * RATE_HZ]], target=3.5)
    assert found == pytest.approx(SHAPES["random:tiny"].blank_bias, abs=0.3)


def test_a_random_model_can_be_saved_and_transcribes(tiny: Any, tmp_path: Any) -> None:
    with quiet():
        models.assemble("random:tiny", "fp32").save_to(str(tmp_path / "random.nemo"))
        again = models.assemble(str(tmp_path / "random.nemo"), "fp32")
        [text] = again.transcribe([emission.babble(5.0, 3)], batch_size=1, verbose=False)
    assert text.text
    folder = tmp_path / "folder"
    manifest = models.prepare("random:tiny", folder, "fp32")
    assert manifest.name == "random:tiny"
    opened = models.assemble(str(folder), "fp32")
    for name, tensor in tiny.state_dict().items():
        assert (opened.state_dict()[name] == tensor).all(), name


def test_babble_is_seeded_and_stays_in_range() -> None:
    sound = emission.babble(3.0, 5)
    assert len(sound) == 3 * RATE_HZ
    assert sound.dtype == np.float32
    assert 0.05 < np.abs(sound).max() <= 1.0
    assert np.array_equal(sound, emission.babble(3.0, 5))
    assert not np.array_equal(sound, emission.babble(3.0, 6))
