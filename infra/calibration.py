"""From a model's name to a model on its device, and how much it can hear there at once."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.batching import Limits
from core.errors import EngineFailed, EngineLost
from core.memory import Dimensions, Footprint, Measured, Precision, corrected, plan
from core.ports import SAMPLE_RATE_HZ
from infra import machine, models, nemo
from infra.acceleration import (
    Decoder,
    captured,
    compile_layers,
    run_as_written_where_compiling_fails,
    subsample_one_by_one,
    undo_compile,
    use_attention,
)
from infra.engine_options import EngineOptions
from infra.imports import others_run
from infra.staging import CpuStaging, CudaStaging
from infra.torch_errors import mapped, torch_errors
from infra.transducer import NemoTransducer, Transducer

GB = 1e9

CPU_PADDED_S = 160.0
"""Of a batch on a CPU. Larger ones are 10 % faster at most (docs/benchmarks.md), and take more memory."""

CPU_SHARE = 0.5
"""Of the memory that is free; the rest is for decoded audio and for whoever else is there."""

MOST_WINDOWS = 512
"""The largest batch that can be asked for."""

CUDA_MOST = 64
"""Windows of a batch on CUDA: where throughput is flat (docs/benchmarks.md), and memory for the next one."""

CUDA_SHARE = 0.9
"""Of the device's free memory; the rest is for libraries' work spaces and a fragmented cache."""

_log = logging.getLogger("klipscribe.engine")

Assemble = Callable[[str, Precision], Any]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model on its device.

    Args:
        transducer: the model.
        limits: how much it can hear at once.
    """

    transducer: Transducer
    limits: Limits


def load(name_or_path: str, options: EngineOptions, *, assemble: Assemble = models.assemble) -> Loaded:
    """Bring a model to its device and find out how much fits.

    Args:
        name_or_path: of the model.
        options: how it is run.
        assemble: makes the NeMo model on the CPU, from its name and the encoder's precision.

    Raises:
        EngineFailed: engine_model_unavailable, engine_out_of_memory or engine_failed.
        EngineLost: the device does not answer.
    """
    # NeMo's chatter is kept back in assemble; torch alone is imported quietly.
    with others_run():
        device = nemo.available(options.device)
        model = assemble(name_or_path, options.precision_on(device))
    with torch_errors():
        nemo.make_repeatable(model)
        use_attention(model.encoder, fused=options.attention == "sdpa")
        model.to(device)
        decoder = Decoder(nemo.decoding_loop(model, graphs=False))
        return (_on_cuda if device == "cuda" else _on_cpu)(model, decoder, options)


def footprint_of(model: Any, options: EngineOptions, device: str) -> Footprint:
    """What the formula says that a batch of this model takes."""
    encoder = model.cfg.encoder
    channels = encoder.get("subsampling_conv_channels", -1)
    shape = Dimensions(
        d_model=encoder.d_model,
        heads=encoder.n_heads,
        conv_channels=channels if channels > 0 else encoder.d_model,
        features=encoder.feat_in,
        frames_per_s=1 / nemo.frame_s(model),
    )
    parts = 1 if device == "cuda" else MOST_WINDOWS  # on a CPU the subsampling takes one after the other
    return Footprint.of(shape, options.precision_on(device), options.attention, parts)


def cpu_limits(footprint: Footprint, options: EngineOptions, cores: int, free_bytes: float) -> Limits:
    """How much a CPU hears at once: as many batches as cores, each on one thread.

    Two workers of one thread were faster than one of two (docs/benchmarks.md). The bound on memory is a
    GPU's; a CPU's batches go by what is free.
    """
    budget = CPU_SHARE * free_bytes
    most = options.batch_size or max(1, int(CPU_PADDED_S / options.sizes_s[0]))
    planned = plan(footprint, budget, options.sizes_s, most, options.workers or cores)
    if options.batch_size:
        return planned
    flat = (max(1, int(CPU_PADDED_S / size_s)) for size_s in planned.sizes_s)
    return replace(planned, most=tuple(map(min, planned.most, flat)))


def _on_cpu(model: Any, decoder: Decoder, options: EngineOptions) -> Loaded:
    subsample_one_by_one(model.encoder)
    limits = cpu_limits(
        footprint_of(model, options, "cpu"), options, machine.cores(), machine.available_bytes()
    )
    threads = max(1, machine.cores() // limits.workers)
    transducer = NemoTransducer(
        model,
        "cpu",
        CpuStaging(),
        decoder,
        pieces=nemo.pieces(model),
        frame_s=nemo.frame_s(model),
        threads=threads,
    )
    if options.compile:
        try_compiled(transducer)
    return Loaded(transducer, limits)


def _on_cuda(model: Any, decoder: Decoder, options: EngineOptions) -> Loaded:
    """Compile, then measure, then capture: each step needs the one before, and a capture comes last."""
    import torch

    transducer = NemoTransducer(
        model,
        "cuda",
        CudaStaging(options.sizes_s),
        decoder,
        pieces=nemo.pieces(model),
        frame_s=nemo.frame_s(model),
        threads=1,
    )
    if options.compile:
        try_compiled(transducer)
    # The first batch makes handles and work spaces, which are not the batch's own.
    transducer.hear(transducer.stage(_silence(1, options.sizes_s[-1])))
    footprint = calibrated(transducer, options)
    torch.cuda.empty_cache()
    limits = plan(footprint, _cuda_budget(options), options.sizes_s, options.batch_size or CUDA_MOST, 1)
    with torch.inference_mode():
        encoded, _ = transducer.encode(transducer.stage(_silence(1, options.sizes_s[-1])))
        transducer.decoder = captured(
            decoder, model, options.cuda_graphs, most=max(limits.most), encoded=encoded
        )
    _log.info("the speech model is on CUDA", extra={"most": limits.most, "sizes_s": limits.sizes_s})
    return Loaded(transducer, limits)


def try_compiled(transducer: NemoTransducer, compile_encoder: Callable[[Any], None] = compile_layers) -> bool:
    """Compile the encoder's layers and hear a second of silence; False, and as they were, if that fails.

    One window is a shape of its own to the compiler, which takes every other count as a symbol.
    """
    compile_encoder(transducer.model.encoder)
    try:
        for windows in (1, 2):
            transducer.hear(transducer.stage(_silence(windows, 1.0)))
    except EngineLost:
        raise
    except Exception as error:  # noqa: BLE001 - compilers and their backends raise what they like
        _log.warning("the encoder is not compiled", extra={"reason": str(mapped(error))})
        undo_compile(transducer.model.encoder)
        return False
    run_as_written_where_compiling_fails()
    return True


def calibrated(transducer: NemoTransducer, options: EngineOptions) -> Footprint:
    """The formula's footprint, corrected by what batches of two sizes take on this device."""
    footprint = footprint_of(transducer.model, options, "cuda")
    return corrected(footprint, [measured(transducer, *probe) for probe in _probes(options)])


def _probes(options: EngineOptions) -> tuple[tuple[int, float], ...]:
    """Windows and sizes to measure: far apart, and small enough for any device that holds the model."""
    most = options.batch_size or CUDA_MOST
    return (min(4, most), options.sizes_s[0]), (min(4, most), options.sizes_s[-1])


def measured(transducer: NemoTransducer, windows: int, size_s: float) -> Measured:
    """What a batch of silence takes at its peak, beyond what was there before."""
    import torch

    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    transducer.hear(transducer.stage(_silence(windows, size_s)))
    return windows, size_s, float(torch.cuda.max_memory_allocated() - before)


def _cuda_budget(options: EngineOptions) -> float:
    """What batches may take now that the weights are there."""
    import torch

    free, total = torch.cuda.mem_get_info()
    return batch_budget(free, total, options.memory_limit_gb)


def batch_budget(free_bytes: float, total_bytes: float, limit_gb: float | None) -> float:
    """What batches may take of a device on which the model lies already.

    What is used is held against the limit as a whole: weights, the process's context, and whatever else is
    on the device.

    Raises:
        EngineFailed: engine_out_of_memory: the limit leaves nothing.
    """
    budget = CUDA_SHARE * free_bytes
    if limit_gb is None:
        return budget
    used_gb = (total_bytes - free_bytes) / GB
    if used_gb >= limit_gb:
        raise EngineFailed(
            f"{used_gb:.1f} GB of the GPU are used before the first batch, expected less than "
            f"GPU_MEMORY_LIMIT_GB={limit_gb:g}",
            code="engine_out_of_memory",
            deterministic=True,
        )
    return min(budget, (limit_gb - used_gb) * GB)


def _silence(windows: int, length_s: float) -> list[Any]:
    return [np.zeros(round(length_s * SAMPLE_RATE_HZ), np.int16)] * windows
