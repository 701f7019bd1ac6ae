"""Parakeet's architecture with random weights: for speed and memory where weights can't be had."""

import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import EngineFailed
from infra import emission, random_tokenizer

PREFIX = "random:"
DURATIONS = (0, 1, 2, 3, 4)
SEED = 600


@dataclass(frozen=True, slots=True)
class Shape:
    """What sets the size of a Parakeet-TDT model, and the biases that make it speak at a usual pace.

    Args:
        features: mel bands.
        layers: of the encoder.
        width: of an encoder layer.
        heads: of its attention.
        channels: of the convolutions that subsample the features eight times.
        hidden: width of the prediction network and of the joint.
        recurrent: LSTM layers of the prediction network.
        pieces: entries of the vocabulary, blank not counted.
        joint_seed: see infra/emission.py.
        blank_bias: added to the blank's logit.
    """

    features: int
    layers: int
    width: int
    heads: int
    channels: int
    hidden: int
    recurrent: int
    pieces: int
    joint_seed: int
    blank_bias: float


SHAPES = {
    "random:0.6b": Shape(128, 24, 1024, 8, 256, 640, 2, 1024, joint_seed=1, blank_bias=3.5),
    "random:tiny": Shape(80, 6, 128, 4, 96, 128, 1, 128, joint_seed=6, blank_bias=2.5),
}
"""The shapes of parakeet-tdt-0.6b-v2 (its published configuration) and of the bundled model.

The biases come from `emission.calibrate`; tests/integration/test_random_model.py measures them again.
"""


def config(shape: Shape, tokenizer: dict[str, str]) -> dict[str, Any]:
    """NeMo's configuration of a model of this shape."""
    known = list(random_tokenizer.pieces(shape.pieces))
    return {
        "sample_rate": 16_000,
        "log_prediction": False,
        "labels": known,
        "rnnt_reduction": "mean_volume",
        "model_defaults": {
            "enc_hidden": shape.width,
            "pred_hidden": shape.hidden,
            "joint_hidden": shape.hidden,
            "tdt_durations": list(DURATIONS),
            "num_tdt_durations": len(DURATIONS),
        },
        "tokenizer": tokenizer,
        "preprocessor": _preprocessor(shape),
        "encoder": _encoder(shape),
        "decoder": _decoder(shape),
        "joint": _joint(shape, known),
        "decoding": {
            "strategy": "greedy_batch",
            "model_type": "tdt",
            "durations": list(DURATIONS),
            "greedy": {"max_symbols": 10},
            "beam": {"beam_size": 2, "return_best_hypothesis": False},
        },
        "loss": {
            "loss_name": "tdt",
            "tdt_kwargs": {"durations": list(DURATIONS), "sigma": 0.02, "omega": 0.1},
        },
        "validation_ds": {
            "manifest_filepath": None,
            "sample_rate": 16_000,
            "batch_size": 16,
            "shuffle": False,
            "defer_setup": True,
        },
        "optim": {"name": "adamw", "lr": 1e-3},
        "target": "nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel",
    }


def _preprocessor(shape: Shape) -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor",
        "sample_rate": 16_000,
        "normalize": "per_feature",
        "window_size": 0.025,
        "window_stride": 0.01,
        "window": "hann",
        "features": shape.features,
        "n_fft": 512,
        "frame_splicing": 1,
        "dither": 1e-5,
        "pad_to": 0,
    }


def _encoder(shape: Shape) -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.ConformerEncoder",
        "feat_in": shape.features,
        "feat_out": -1,
        "n_layers": shape.layers,
        "d_model": shape.width,
        "use_bias": False,
        "subsampling": "dw_striding",
        "subsampling_factor": 8,
        "subsampling_conv_channels": shape.channels,
        "causal_downsampling": False,
        "ff_expansion_factor": 4,
        "self_attention_model": "rel_pos",
        "n_heads": shape.heads,
        "att_context_size": [-1, -1],
        "xscaling": False,
        "untie_biases": True,
        "pos_emb_max_len": 5000,
        "conv_kernel_size": 9,
        "conv_norm_type": "batch_norm",
        "dropout": 0.1,
        "dropout_pre_encoder": 0.1,
        "dropout_emb": 0.0,
        "dropout_att": 0.1,
    }


def _decoder(shape: Shape) -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.RNNTDecoder",
        "normalization_mode": None,
        "random_state_sampling": False,
        "blank_as_pad": True,
        "prednet": {
            "pred_hidden": shape.hidden,
            "pred_rnn_layers": shape.recurrent,
            "t_max": None,
            "dropout": 0.2,
        },
        "vocab_size": shape.pieces,
    }


def _joint(shape: Shape, known: list[str]) -> dict[str, Any]:
    return {
        "_target_": "nemo.collections.asr.modules.RNNTJoint",
        "log_softmax": None,
        "preserve_memory": False,
        "fuse_loss_wer": False,
        "fused_batch_size": -1,
        "jointnet": {
            "joint_hidden": shape.hidden,
            "activation": "relu",
            "dropout": 0.2,
            "encoder_hidden": shape.width,
            "pred_hidden": shape.hidden,
        },
        "num_extra_outputs": len(DURATIONS),
        "num_classes": shape.pieces,
        "vocabulary": known,
    }


def is_name(name: str) -> bool:
    """Whether a model's name asks for random weights."""
    return name.startswith(PREFIX)


def build(name: str) -> Any:
    """A NeMo model of this name, on the CPU, in eval mode, the same each time.

    Raises:
        EngineFailed: engine_model_unavailable: there is no such shape.
    """
    return of_shape(shape_of(name))


def shape_of(name: str) -> Shape:
    """The shape behind a name.

    Raises:
        EngineFailed: engine_model_unavailable: there is none.
    """
    shape = SHAPES.get(name)
    if shape is None:
        raise EngineFailed(
            f"there is no model {name}; expected one of {', '.join(SHAPES)}",
            code="engine_model_unavailable",
            deterministic=True,
        )
    return shape


def of_shape(shape: Shape) -> Any:
    """A NeMo model of any shape, on the CPU, in eval mode. Its tokenizer's files live as long as it does."""
    import torch
    from nemo.collections.asr.models import EncDecRNNTBPEModel
    from omegaconf import OmegaConf

    folder = tempfile.TemporaryDirectory(prefix="klipscribe-tokenizer-")
    settings = config(shape, random_tokenizer.write(Path(folder.name), shape.pieces))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = EncDecRNNTBPEModel(OmegaConf.create(settings))
        emission.settle(model, shape.joint_seed, shape.blank_bias)
    weakref.finalize(model, folder.cleanup)
    return model.eval()
