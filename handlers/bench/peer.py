"""NeMo's side: the same model through NeMo's own transcribe(), as its documentation says."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from handlers.bench.machine import now_bytes, peak_bytes
from handlers.bench.ours import device
from handlers.bench.sounds import Sound, cuts

LOCAL_ATTENTION = [128, 128]
"""Frames on both sides: what NeMo's page about Parakeet recommends for long audio, with the subsampling in
parts (change_subsampling_conv_chunking_factor(1) lets NeMo choose)."""


class Nemo:
    """The model as NeMo restores it, on a device.

    Args:
        model: path or name.
        on: cpu or cuda.
        thread_count: of torch.
        is_local: whether attention is local, for whole files.
        is_half: bf16 for all of the model, as NeMo's own scripts have it on CUDA.
    """

    def __init__(
        self, model: str, on: str, thread_count: int, *, is_local: bool = False, is_half: bool = False
    ) -> None:
        import torch

        from infra.models import assemble

        torch.set_num_threads(thread_count)
        if model.endswith(".nemo"):
            from nemo.collections.asr.models import ASRModel

            self._model = ASRModel.restore_from(model, map_location="cpu").eval()
        else:
            self._model = assemble(model, "fp32")
        self._model = self._model.to(on)
        if is_half:
            self._model = self._model.to(torch.bfloat16)
        if is_local:
            self._model.change_attention_model("rel_pos_local_attn", LOCAL_ATTENTION)
            self._model.change_subsampling_conv_chunking_factor(1)
        self._cuts: dict[tuple[str, float], Any] = {}
        self._rest_bytes = now_bytes()

    def whole(self, path: str) -> dict[str, Any]:
        """One call for a whole file."""
        begun_s = time.perf_counter()
        heard = self._model.transcribe([path], timestamps=True, verbose=False)
        return self._answer(begun_s, heard)

    def cut(self, path: str, cut_s: float) -> int:
        """Decode and cut a file, for arrays(); how many pieces."""
        self._cuts[path, cut_s] = cuts(Sound(Path(path), 0.0, ()), cut_s)
        return len(self._cuts[path, cut_s])

    def arrays(self, path: str, cut_s: float, batch_size: int, repeat: int = 1) -> dict[str, Any]:
        """One call for the ready pieces, the same again `repeat` times in one list."""
        pieces = self._cuts[path, cut_s] * repeat
        begun_s = time.perf_counter()
        heard = self._model.transcribe(pieces, batch_size=batch_size, timestamps=True, verbose=False)
        answer = self._answer(begun_s, heard)
        audio_s = sum(len(piece) for piece in pieces) / 16_000
        return {**answer, "audio_s": audio_s, "rtfx": audio_s / answer["wall_s"]}

    def _answer(self, begun_s: float, heard: Sequence[Any]) -> dict[str, Any]:
        return {
            "wall_s": time.perf_counter() - begun_s,
            "words": sum(len(one.timestamp["word"]) for one in heard),
            "peak_bytes": peak_bytes(),
            "rest_bytes": self._rest_bytes,
            **device(),
        }
