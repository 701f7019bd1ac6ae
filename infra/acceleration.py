"""What makes the encoder and the decoder faster, each with the plain way as its fallback."""

import copy
import logging
import threading
from dataclasses import dataclass
from typing import Any

from infra import nemo
from infra.engine_options import Switch
from infra.torch_errors import mapped

_log = logging.getLogger("klipscribe.engine")


def use_attention(encoder: Any, *, fused: bool) -> None:
    """Let each attention of the encoder be computed by torch's fused kernel, or by NeMo's own steps.

    NeMo reads the flag at each call, so that it can be set on a model that is built. The relative positions
    go in as the kernel's mask; a few percent of the attention scores' memory are saved, and time.
    """
    encoder.use_pytorch_sdpa = fused
    for module in encoder.modules():
        if hasattr(module, "use_pytorch_sdpa"):
            module.use_pytorch_sdpa = fused


def subsample_one_by_one(encoder: Any) -> None:
    """Let the convolutions in front of the layers see one window of a batch after the other.

    They are the peak of a batch's memory, and on a CPU faster while they stay in its cache. NeMo's own
    `subsampling_conv_chunking_factor` would take a path without masks for a batch that it can't divide.
    """
    import torch

    subsampling = encoder.pre_encode
    if not getattr(subsampling, "conv2d_subsampling", False):
        return
    whole = subsampling.conv.forward

    def one_by_one(x: Any, lengths: Any) -> tuple[Any, Any]:
        windows = [whole(x[index : index + 1], lengths[index : index + 1]) for index in range(len(x))]
        return torch.cat([window for window, _ in windows]), torch.cat([length for _, length in windows])

    subsampling.conv.forward = one_by_one


def compile_layers(encoder: Any) -> None:
    """Let torch.compile have each layer when it first runs; all layers share what was compiled for one.

    Layers, since the encoder's own forward holds branches and checks of types that a compiler can't follow.
    Sizes of batch and time are symbols: no new compilation for each.
    """
    for layer in encoder.layers:
        layer.compile(dynamic=True)


def undo_compile(encoder: Any) -> None:
    """Run the layers as they were written."""
    for layer in encoder.layers:
        layer._compiled_call_impl = None  # noqa: SLF001 - torch has compile() for modules, and no way back


def run_as_written_where_compiling_fails() -> None:
    """Let a shape that needs a compilation of its own, and fails in it, run as it is; torch warns."""
    from torch._dynamo import config

    config.suppress_errors = True


@dataclass(frozen=True, slots=True)
class Decoder:
    """NeMo's greedy loop, as a CUDA graph for batches that fit into what was captured.

    The graph's memory has the size of the largest batch and time that it was captured for; a larger batch
    would make NeMo capture anew, so such a batch takes the plain loop.
    """

    plain: Any
    graph: Any = None
    most: int = 0
    longest: int = 0

    def __call__(self, encoded: Any, lengths: Any) -> Any:
        """NeMo's batch of hypotheses. Shapes: encoded [B, T, D], lengths [B]; at least B rows come back."""
        fits = self.graph is not None and encoded.shape[0] <= self.most and encoded.shape[1] <= self.longest
        hypotheses, _ = (self.graph if fits else self.plain)(x=encoded, out_len=lengths)
        return hypotheses


def captured(decoder: Decoder, model: Any, wanted: Switch, *, most: int, encoded: Any) -> Decoder:
    """The decoder with a graph for batches of so many windows and as many frames as one encoded window has.

    The graph is captured here, once. All weights must be loaded before: after a capture torch.load fails in
    the whole process (NeMo issue 15423). Where it can't be had the decoder stays as it is, with a warning.

    Args:
        decoder: the plain one.
        model: of NeMo.
        wanted: auto takes only a graph of the whole loop, which needs cuda-python and a driver for CUDA 12.6;
            on takes a graph of its parts too.
        most: windows.
        encoded: [1, T, D] on the device, as the encoder gives it for a window of the longest size.
    """
    if wanted == "off" or encoded.device.type != "cuda":
        return decoder
    try:
        loop = nemo.decoding_loop(model, graphs=True)
        if wanted == "on" or _is_whole(loop):
            loop(x=encoded.repeat(most, 1, 1), out_len=encoded.new_ones(most).long())
        # NeMo itself falls back to a graph of the parts where the capture of the whole fails.
        if wanted == "auto" and not _is_whole(loop):
            _log.warning("no CUDA graphs in the decoder: cuda-python or the driver is too old")
            return decoder
    except Exception as error:  # NeMo, cuda-python and torch raise what they like while capturing
        failure = mapped(error)
        if failure.code == "engine_lost":
            raise failure from error
        _log.warning("no CUDA graphs in the decoder: the capture failed", extra={"reason": str(failure)})
        return decoder
    return Decoder(decoder.plain, loop, most, encoded.shape[1])


def _is_whole(loop: Any) -> bool:
    return loop.cuda_graphs_mode is not None and loop.cuda_graphs_mode.name == "FULL_GRAPH"


class Positions:
    """Keeps the encoder's table of positions long enough, safely while other threads run the encoder.

    NeMo grows the table in place, from the number of frames before the subsampling, and reads it three times
    in a call. Here a longer table comes in a module of its own, which takes the old one's place at once.
    """

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self._lock = threading.Lock()
        self._frames = (encoder.pos_enc.pe.shape[1] + 1) // 2
        # Larger than any length: NeMo's own growing is off.
        encoder.max_audio_length = 1 << 62

    def reach(self, frames: int) -> None:
        """Make room for so many frames after the subsampling."""
        if frames <= self._frames:
            return
        with self._lock:
            if frames <= self._frames:
                return
            old = self._encoder.pos_enc
            longer = copy.copy(old)
            longer._buffers = dict(old._buffers)  # noqa: SLF001 - a shallow copy would share the table's slot
            longer.extend_pe(frames, old.pe.device, old.pe.dtype)
            self._encoder.pos_enc = longer
            self._frames = frames
