"""Random weights that still speak at a usual pace: so many tokens a second, spread over tokens and durations.

Weights as they come by default let biases drown the audio: after 24 layers all frames look the same, and the
decoder says one token for ever or none at all. What is done here keeps the frames apart.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.ports import SAMPLE_RATE_HZ

TOKENS_PER_S = 3.3
"""English read at 150 words a minute gives 3 to 4 pieces of a vocabulary of a thousand."""
ZERO_DURATION_BIAS = -3.0
"""Two tokens in one frame are rare in speech."""
BLANK_FROM_END = 6
"""The joint's outputs end in the blank and five durations."""


def settle(model: Any, joint_seed: int, blank_bias: float) -> None:
    """Set a random model's weights so that its tokens follow the audio. Seeds torch's generator.

    Args:
        model: of NeMo, just built.
        joint_seed: some joints speak as much of any audio, others have favourites: a seed of the first kind.
        blank_bias: as `calibrate` finds it.
    """
    import torch

    with torch.no_grad():
        _hear(model.encoder)
        _pass_on(model.encoder)
        torch.manual_seed(joint_seed)
        _speak(model.joint, blank_bias)


def tokens_per_s(model: Any, clips: Sequence[NDArray[np.float32]]) -> float:
    """How many tokens the greedy decoder emits in a second of these clips, each decoded alone."""
    encoded = [_encoded(model, clip) for clip in clips]
    return _count(model, encoded) / (sum(map(len, clips)) / SAMPLE_RATE_HZ)


def calibrate(model: Any, clips: Sequence[NDArray[np.float32]], target: float = TOKENS_PER_S) -> float:
    """Find by bisection the bias of blank at which the clips give `target` tokens a second, and leave it set.

    The more blank is favoured, the fewer tokens there are.
    """
    encoded = [_encoded(model, clip) for clip in clips]
    audio_s = sum(map(len, clips)) / SAMPLE_RATE_HZ
    low, high = -10.0, 10.0
    for _ in range(12):
        middle = (low + high) / 2
        set_blank_bias(model, middle)
        if _count(model, encoded) > target * audio_s:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def set_blank_bias(model: Any, bias: float) -> None:
    """Favour blank over the tokens by so much."""
    import torch

    with torch.no_grad():
        model.joint.joint_net[-1].bias[-BLANK_FROM_END] = bias


def babble(duration_s: float, seed: int) -> NDArray[np.float32]:
    """Something like speech: voiced syllables of changing pitch and resonance, pauses, a little noise."""
    random = np.random.default_rng(seed)
    audio = random.normal(0, 0.002, round(duration_s * SAMPLE_RATE_HZ))
    at = 0
    while at < len(audio):
        length = round(random.uniform(0.12, 0.3) * SAMPLE_RATE_HZ)
        syllable = _syllable(random, length)[: len(audio) - at]
        audio[at : at + length] += syllable
        pause_s = random.choice([0.02, 0.1, 0.5], p=[0.6, 0.3, 0.1])
        at += length + round(pause_s * SAMPLE_RATE_HZ)
    return audio.astype(np.float32)


def _syllable(random: np.random.Generator, length: int) -> NDArray[np.float64]:
    pitch_hz = random.uniform(90, 220)
    time_s = np.arange(length) / SAMPLE_RATE_HZ
    resonances_hz = random.uniform([250, 800, 2000], [900, 2200, 3200])
    voice = np.zeros(length)
    for harmonic_hz in np.arange(1, 4000 // pitch_hz) * pitch_hz:
        gain = np.exp(-(((harmonic_hz - resonances_hz) / 150) ** 2)).sum() + 0.01
        voice += gain * np.sin(2 * np.pi * harmonic_hz * time_s + random.uniform(0, 2 * np.pi))
    return np.asarray(0.05 * random.uniform(0.3, 1) * voice * np.sin(np.pi * np.arange(length) / length))


def _hear(encoder: Any) -> None:
    """Keep the subsampling's signal as strong as it comes in, and drop what is constant over time.

    Rectified channels have a mean of about the same size in all bands, since features are normalised; weights
    that sum to zero over the bands cancel it.
    """
    for layer in encoder.pre_encode.conv:
        if hasattr(layer, "weight"):
            _fill(layer, math.sqrt(2))
    _fill(encoder.pre_encode.out, 1.0)
    bands = encoder.pre_encode.out.weight.view(encoder.d_model, encoder.pre_encode.conv[0].out_channels, -1)
    bands -= bands.mean(dim=2, keepdim=True)


def _pass_on(encoder: Any) -> None:
    """Shrink what each block adds with the number of blocks, so that the frame itself is not drowned."""
    for layer in encoder.layers:
        for last in (
            layer.feed_forward1.linear2,
            layer.self_attn.linear_out,
            layer.conv.pointwise_conv2,
            layer.feed_forward2.linear2,
        ):
            last.weight /= math.sqrt(2 * len(encoder.layers))


def _speak(joint: Any, blank_bias: float) -> None:
    """Let the frame weigh more than the tokens before it, which could otherwise go round in circles."""
    _fill(joint.enc, 1.0)
    _fill(joint.pred, 2.0)
    out = joint.joint_net[-1]
    _fill(out, math.sqrt(2))
    out.bias[-BLANK_FROM_END] = blank_bias
    out.bias[-BLANK_FROM_END + 1] = ZERO_DURATION_BIAS


def _fill(layer: Any, gain: float) -> None:
    """Normal weights that multiply the signal's strength by `gain`, without bias."""
    import torch

    torch.nn.init.normal_(layer.weight, 0.0, gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        torch.nn.init.zeros_(layer.bias)


def _encoded(model: Any, clip: NDArray[np.float32]) -> Any:
    import torch

    with torch.inference_mode():
        audio, length = torch.from_numpy(clip)[None], torch.tensor([len(clip)])
        features, length = model.preprocessor(input_signal=audio, length=length)
        encoded, length = model.encoder(audio_signal=features, length=length)
        return encoded.transpose(1, 2), length


def _count(model: Any, encoded: Sequence[Any]) -> int:
    import torch

    computer = model.decoding.decoding.decoding_computer
    with torch.inference_mode():
        heard = [computer(x=frames, out_len=length)[0] for frames, length in encoded]
    return sum(int(hypotheses.get_data_without_blank()[0].sum()) for hypotheses in heard)
