"""How the speech model is run: plain values, read by the settings and by tools."""

from dataclasses import dataclass
from typing import Literal

from core.memory import Attention, Precision

Device = Literal["auto", "cpu", "cuda"]
Switch = Literal["auto", "on", "off"]


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the model is run. What is None is chosen by the device.

    Args:
        device: auto takes CUDA where there is one.
        precision: of the encoder; auto is bf16 on CUDA and fp32 on a CPU. All else is always fp32.
        attention: sdpa is torch's fused attention; eager is NeMo's own.
        cuda_graphs: of the decoder, on CUDA. auto uses them where the whole loop can be one graph.
        compile: torch.compile for the layers of the encoder. The first batches take minutes.
        sizes_s: lengths to which windows are padded, ascending, in seconds.
        memory_limit_gb: what the process may take of a GPU's memory.
        batch_size: the most windows in a batch, whatever their length.
        workers: batches at the same time on a CPU, each with its share of the cores. CUDA runs one.
    """

    device: Device = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    attention: Attention = "sdpa"
    cuda_graphs: Switch = "auto"
    compile: bool = False
    sizes_s: tuple[float, ...] = (10.0, 20.0, 30.0, 40.0)
    memory_limit_gb: float | None = None
    batch_size: int | None = None
    workers: int | None = None

    def precision_on(self, device: str) -> Precision:
        """The encoder's precision on a device."""
        if self.precision == "auto":
            return "bf16" if device == "cuda" else "fp32"
        return self.precision
