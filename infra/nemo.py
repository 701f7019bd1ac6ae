"""NeMo and torch, imported late and kept quiet: the rest neither waits for them nor reads their chatter.

The model is called below its own transcribe(), which is serial, pads short audio at both ends and so shifts
its times, rebuilds the decoder when timestamps are toggled, and builds words slowly.
"""

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import Code, EngineFailed
from core.words import Token

Device = Literal["auto", "cpu", "cuda"]

CHATTY = ("nv_one_logger", "lightning", "lightning.pytorch", "pytorch_lightning", "numexpr", "matplotlib")


class Transducer(Protocol):
    """A model in memory."""

    @property
    def frame_s(self) -> float:
        """How much audio one frame of a token's time stands for."""
        ...

    def tokens(self, windows: Sequence[NDArray[np.float32]]) -> list[list[Token]]:
        """What is heard in each window. One caller at a time. Raises EngineFailed."""
        ...


@dataclass(frozen=True, slots=True)
class NemoTransducer:
    """A TDT model of NeMo on its device."""

    model: Any
    device: str
    pieces: tuple[str, ...]
    frame_s: float

    def tokens(self, windows: Sequence[NDArray[np.float32]]) -> list[list[Token]]:
        """Tokens of each window, computed as one batch.

        Padding is behind the audio and masked, so that a window hears the same alone as among longer ones.

        Raises:
            EngineFailed: engine_out_of_memory or engine_failed.
        """
        lengths = [len(window) for window in windows]
        padded = np.zeros((len(windows), max(lengths)), dtype=np.float32)
        for row, window in zip(padded, windows, strict=True):
            row[: len(window)] = window
        with torch_errors():
            counts, *columns = self._decode(padded, lengths)
        return [
            [
                Token(self.pieces[piece], *rest)
                for piece, *rest in zip(*(row[:count] for row in rows), strict=True)
            ]
            for count, *rows in zip(counts, *columns, strict=True)
        ]

    def _decode(self, padded: NDArray[np.float32], lengths: list[int]) -> list[list[Any]]:
        """Token counts [windows]; ids, frames, durations in frames, confidences, each [windows, longest]."""
        import torch

        with torch.inference_mode():
            audio, length = (
                torch.from_numpy(padded).to(self.device),
                torch.tensor(lengths, device=self.device),
            )
            features, length = self.model.preprocessor(input_signal=audio, length=length)
            encoded, length = self.model.encoder(audio_signal=features, length=length)
            computer = self.model.decoding.decoding.decoding_computer
            heard, _ = computer(x=encoded.transpose(1, 2), out_len=length)
            return [column.tolist() for column in heard.get_data_without_blank()]


def load(name_or_path: str, device: Device) -> NemoTransducer:
    """The model, from the path of a `.nemo` file or by its name on the Hugging Face hub.

    Raises:
        EngineFailed: engine_model_unavailable, engine_out_of_memory or engine_failed.
    """
    try:
        with _quiet():
            model = _restore(name_or_path)
            _prepare(model)
    except Exception as error:
        raise EngineFailed(
            f"the speech model {name_or_path} can't be loaded ({type(error).__name__}); set "
            "PARAKEET_MODEL_NAME to the path of a .nemo file, or to the name of a Parakeet-TDT model on the "
            "Hugging Face hub, and install the extra named asr",
            code="engine_model_unavailable",
            deterministic=name_or_path.endswith(".nemo"),
        ) from error
    with torch_errors():
        target = _available(device)
        return NemoTransducer(model.to(target), target, _pieces(model), _frame_s(model))


@contextmanager
def torch_errors() -> Iterator[None]:
    """Map torch's errors to ours by one table; the first line that fits counts.

    Raises:
        EngineFailed: engine_out_of_memory or engine_failed.
    """
    import torch

    table: tuple[tuple[type[Exception], Code], ...] = (
        (torch.cuda.OutOfMemoryError, "engine_out_of_memory"),
        (RuntimeError, "engine_failed"),
    )
    try:
        yield
    except RuntimeError as error:
        code = next(code for kind, code in table if isinstance(error, kind))
        reason = str(error).partition("\n")[0][:200]
        raise EngineFailed(f"torch raised {type(error).__name__}: {reason}", code=code) from error


@contextmanager
def _quiet() -> Iterator[None]:
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


def _prepare(model: Any) -> None:
    """Make the model answer the same each time, and give the time and the confidence of each token.

    Every step of the decoder is recorded, blanks too (exclude_blank off): without them NeMo 3.0.0, outside of
    CUDA graphs, gives a token the duration that a neighbour in the batch needed for a later step, and words
    end up to 0.3 s off. get_data_without_blank takes the blanks out again.

    Dither is noise for training. CUDA graphs in the decoder stay off: they need a driver for CUDA 12.6, and
    after their first capture torch.load fails in the whole process (NeMo issue 15423).
    """
    from omegaconf import open_dict

    model.eval()
    model.freeze()
    model.preprocessor.featurizer.dither = 0.0
    model.preprocessor.featurizer.pad_to = 0
    decoding = copy.deepcopy(model.cfg.decoding)
    with open_dict(decoding):
        decoding.strategy = "greedy_batch"
        decoding.compute_timestamps = False
        decoding.tdt_include_token_duration = True
        decoding.confidence_cfg = {
            "preserve_frame_confidence": True,
            "preserve_token_confidence": True,
            "exclude_blank": False,
            "method_cfg": {"name": "max_prob"},
        }
        decoding.greedy.use_cuda_graph_decoder = False
    model.change_decoding_strategy(decoding, verbose=False)
    if not getattr(model.decoding.decoding, "include_duration", False):
        raise ValueError("expected a token-and-duration transducer (TDT)")


def _available(device: Device) -> str:
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise EngineFailed("the device cuda is asked for, but torch finds none")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def _pieces(model: Any) -> tuple[str, ...]:
    """What each token id stands for; nothing for the unknown token, which can't be written."""
    tokenizer = model.tokenizer
    pieces: list[str] = tokenizer.ids_to_tokens(list(range(tokenizer.vocab_size)))
    return tuple("" if piece == "<unk>" else piece for piece in pieces)


def _frame_s(model: Any) -> float:
    """0.08 s in the Parakeet models."""
    return float(model.cfg.preprocessor.window_stride * model.cfg.encoder.subsampling_factor)
