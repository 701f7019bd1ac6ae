"""NeMo and torch, imported late and kept quiet: the rest neither waits for them nor reads their chatter.

The model is called below its own transcribe(), which is serial, pads short audio at both ends and so shifts
its times, rebuilds the decoder when timestamps are toggled, and builds words slowly.
"""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import EngineFailed
from infra.engine_options import Device, Precision

CHATTY = ("nv_one_logger", "lightning", "lightning.pytorch", "pytorch_lightning", "numexpr", "matplotlib")


def assemble(name_or_path: str, precision: Precision) -> Any:
    """The NeMo model, on the CPU, from the path of a `.nemo` file or by its name on the Hugging Face hub.

    Args:
        name_or_path: of the model.
        precision: of the encoder's weights.

    Raises:
        EngineFailed: engine_model_unavailable.
    """
    try:
        with quiet():
            model = _restore(name_or_path).eval()
            if precision == "bf16":
                model.encoder.bfloat16()
            return model
    except Exception as error:  # NeMo and the hub's client raise what they like
        raise EngineFailed(
            f"the speech model {name_or_path} can't be loaded ({type(error).__name__}); set "
            "PARAKEET_MODEL_NAME to the path of a .nemo file, or to the name of a Parakeet-TDT model on the "
            "Hugging Face hub, and install the extra named asr",
            code="engine_model_unavailable",
            deterministic=name_or_path.endswith(".nemo"),
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep back what third parties warn of and log while they are imported and while they build a model.

    Their deprecations are not ours to mend. Errors stay visible. Importing NeMo also takes over
    `warnings.showwarning`; leaving the context gives it back.
    """
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nemo.utils import logging as nemo_logging

        nemo_logging.setLevel(logging.ERROR)
        yield


def _restore(name_or_path: str) -> Any:
    from nemo.collections.asr.models import ASRModel

    if name_or_path.endswith(".nemo"):
        return ASRModel.restore_from(name_or_path, map_location="cpu")
    return ASRModel.from_pretrained(name_or_path, map_location="cpu")


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
