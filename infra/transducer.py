"""A TDT model on its device: windows in, tokens out, in stages."""

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from infra.acceleration import Decoder, Positions
from infra.staging import Staged, Staging, Windows
from infra.torch_errors import torch_errors

INT16_FULL_SCALE = 32_768


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What was heard in a batch, in host memory: the tokens of all windows one after the other.

    Args:
        counts: [B], tokens of each window.
        ids: [sum of counts], of the vocabulary, without blanks.
        frames: of the encoder, at which each token was emitted.
        durations: in frames.
        confidences: float32.
    """

    counts: NDArray[np.int64]
    ids: NDArray[np.int64]
    frames: NDArray[np.int64]
    durations: NDArray[np.int64]
    confidences: NDArray[np.float32]


class Transducer(Protocol):
    """A model in memory."""

    @property
    def frame_s(self) -> float:
        """How much audio one frame stands for."""
        ...

    @property
    def pieces(self) -> tuple[str, ...]:
        """What each token id stands for."""
        ...

    def stage(self, windows: Windows) -> Staged:
        """Pad and copy to the device. Raises EngineFailed, EngineLost."""
        ...

    def hear(self, staged: Staged) -> Tokens:
        """Run the model; returns when the results are in host memory. Raises EngineFailed, EngineLost."""
        ...


class NemoTransducer:
    """A model of NeMo that is ready to run. Threads may share it: on CUDA they take turns, on a CPU not.

    On a CPU nothing that a batch changes belongs to the model: NeMo's loop keeps its state in variables of
    the call, and the table of positions is replaced, not changed.

    Args:
        model: of NeMo, prepared and on its device.
        device: cpu or cuda.
        staging: for that device.
        decoder: for that device.
        pieces: see Transducer.
        frame_s: see Transducer.
        threads: of torch, for each batch that runs on a CPU.
    """

    def __init__(  # noqa: PLR0913 - a model on a device has this many parts
        self,
        model: Any,
        device: str,
        staging: Staging,
        decoder: Decoder,
        *,
        pieces: tuple[str, ...],
        frame_s: float,
        threads: int,
    ) -> None:
        self.model = model
        self.device = device
        self.decoder = decoder
        self._staging = staging
        self._pieces = pieces
        self._frame_s = frame_s
        self._threads = threads
        self._positions = Positions(model.encoder)
        self._one_at_a_time = threading.Lock()

    @property
    def frame_s(self) -> float:
        """How much audio one frame stands for."""
        return self._frame_s

    @property
    def pieces(self) -> tuple[str, ...]:
        """What each token id stands for."""
        return self._pieces

    def stage(self, windows: Windows) -> Staged:
        """Pad and copy to the device."""
        with torch_errors():
            return self._staging.stage(windows)

    def hear(self, staged: Staged) -> Tokens:
        """Run the model; returns when the results are in host memory.

        Padding is behind the audio and masked, so that a window hears the same alone as among longer ones.
        """
        with torch_errors():
            if self.device != "cpu":
                with self._one_at_a_time:
                    return self._hear(staged)
            self._share_cores()
            return self._hear(staged)

    def encode(self, staged: Staged) -> tuple[Any, Any]:
        """What the encoder makes of a batch: [B, T, D] in the decoder's precision, and lengths [B]."""
        import torch

        audio, length = staged.audio, staged.lengths
        if staged.arrived is not None:
            stream = torch.cuda.current_stream()
            stream.wait_event(staged.arrived)
            # Made on the stream that copies: that one must not reuse the memory while this one reads it.
            audio.record_stream(stream)
            length.record_stream(stream)
        model = self.model
        samples = audio.to(torch.float32).mul_(1 / INT16_FULL_SCALE)
        features, length = model.preprocessor(input_signal=samples, length=length)
        del samples
        self._positions.reach(-(-features.shape[-1] // model.encoder.subsampling_factor))
        weights = next(model.encoder.parameters()).dtype
        encoded, length = model.encoder(audio_signal=features.to(weights), length=length)
        return encoded.transpose(1, 2).to(next(model.joint.parameters()).dtype), length

    def _hear(self, staged: Staged) -> Tokens:
        import torch

        with torch.inference_mode():
            encoded, length = self.encode(staged)
            return fetched(self.decoder(encoded, length), rows=len(staged.lengths))

    def _share_cores(self) -> None:
        """Torch counts threads for each thread that calls it; for MKL the count is the process's own."""
        import torch

        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)


def fetched(hypotheses: Any, *, rows: int) -> Tokens:
    """NeMo's hypotheses in host memory, without blanks, and without rows that only fill a graph.

    Its storage has room for ten tokens a frame; only as many columns as are filled are copied.
    """
    import torch

    steps = hypotheses.current_lengths[:rows]
    longest = int(steps.max())
    columns = [
        column[:rows, :longest]
        for column in (hypotheses.transcript, hypotheses.timestamps, hypotheses.token_durations)
    ]
    ids, frames, durations = torch.stack(columns).cpu().numpy()
    confidences = hypotheses.step_confidence[:rows, :longest].float().cpu().numpy()
    heard = np.arange(longest) < steps.cpu().numpy()[:, None]
    heard &= ids != hypotheses.blank_id
    return Tokens(heard.sum(axis=1), ids[heard], frames[heard], durations[heard], confidences[heard])
