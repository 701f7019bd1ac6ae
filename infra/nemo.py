"""NeMo's model and its decoder, set up for our calls.

The model is called below its own transcribe(), which is serial, pads short audio at both ends and so shifts
its times, rebuilds the decoder when timestamps are toggled, and builds words slowly.
"""

import copy
from typing import Any

from core.errors import EngineFailed
from infra.engine_options import Device
from infra.quiet import quiet


def make_repeatable(model: Any) -> None:
    """Make the model answer the same each time. Dither is noise for training; padding is ours to choose."""
    model.eval()
    model.freeze()
    model.preprocessor.featurizer.dither = 0.0
    model.preprocessor.featurizer.pad_to = 0


def decoding_loop(model: Any, *, graphs: bool) -> Any:
    """NeMo's greedy loop over a batch, which gives the time, the duration and the confidence of each token.

    Without CUDA graphs every step is recorded, blanks too: else NeMo 3.0.0 gives a token the duration that a
    neighbour in the batch needed for a later step, and words end up to 0.3 s off. With graphs it is the other
    way round: there a recorded step gets the duration of the step before it, and what is stored without
    blanks is each token's own.

    Raises:
        EngineFailed: engine_model_unavailable: the model is no TDT.
    """
    from omegaconf import open_dict

    decoding = copy.deepcopy(model.cfg.decoding)
    with open_dict(decoding):
        decoding.strategy = "greedy_batch"
        decoding.compute_timestamps = False
        decoding.tdt_include_token_duration = True
        decoding.confidence_cfg = {
            "preserve_frame_confidence": True,
            "preserve_token_confidence": True,
            "exclude_blank": graphs,
            "method_cfg": {"name": "max_prob"},
        }
        decoding.greedy.use_cuda_graph_decoder = graphs
    with quiet():
        model.change_decoding_strategy(decoding, verbose=False)
    loop = getattr(model.decoding.decoding, "decoding_computer", None)
    if loop is None or not getattr(model.decoding.decoding, "include_duration", False):
        raise EngineFailed(
            "the speech model emits no durations, expected a token-and-duration transducer (TDT)",
            code="engine_model_unavailable",
            deterministic=True,
        )
    return loop


def available(device: Device) -> str:
    """cpu or cuda. Raises EngineFailed where cuda is asked for and missing."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise EngineFailed("the device cuda is asked for, but torch finds none")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def pieces(model: Any) -> tuple[str, ...]:
    """What each token id stands for; nothing for the unknown token, which can't be written."""
    tokenizer = model.tokenizer
    listed: list[str] = tokenizer.ids_to_tokens(list(range(tokenizer.vocab_size)))
    return tuple("" if piece == "<unk>" else piece for piece in listed)


def frame_s(model: Any) -> float:
    """How much audio one frame of the encoder stands for: 0.08 s in the Parakeet models."""
    return float(model.cfg.preprocessor.window_stride * model.cfg.encoder.subsampling_factor)
