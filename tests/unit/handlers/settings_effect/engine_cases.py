"""Settings that say how the speech model is run, and how audio gets to it."""

from typing import cast

import numpy as np

from core.memory import Dimensions, Footprint
from core.ports import SAMPLE_RATE_HZ, Block
from core.window_queue import Submitted
from core.windows import cut
from handlers.engines import parakeet_engine
from handlers.in_process import InProcess
from infra.audio_processes import ProcessReader
from infra.calibration import batch_budget, cpu_limits
from infra.engine_options import EngineOptions
from infra.parakeet import ParakeetRecognizer
from tests.unit.handlers.settings_effect.case import Case
from tests.unit.handlers.settings_effect.rig import Rig

GB = 1e9


def options(rig: Rig) -> EngineOptions:
    """How the wired engine runs its model."""
    recognizer = parakeet_engine(rig.settings, rig.reader).scheduler._stages._recognizer
    return cast("ParakeetRecognizer", recognizer)._options


def most(rig: Rig) -> object:
    """Windows of a batch, by their size, on a CPU."""
    tiny = Footprint.of(Dimensions(128, 4, 96, 80), "fp32", "sdpa")
    return cpu_limits(tiny, options(rig), cores=2, free_bytes=64 * GB).most


def window_gb(rig: Rig) -> object:
    """What a window of five minutes takes on a GPU."""
    how = options(rig)
    footprint = Footprint.of(Dimensions(), how.precision_on("cuda"), how.attention)
    return round(footprint.bytes_of(1, 300) / GB, 1)


def windows(rig: Rig) -> object:
    """How 100 s are cut, where all is noise but for a pause from 35 to 36 s: start and end of each window."""
    samples = np.tile(np.array([9000, -9000], np.int16), 50 * SAMPLE_RATE_HZ)
    samples[35 * SAMPLE_RATE_HZ : 36 * SAMPLE_RATE_HZ] = 0
    spec = parakeet_engine(rig.settings, rig.reader)._spec
    return [(round(window.start_s), round(window.end_s)) for window in cut([Block(samples)], spec)]


def windows_that_wait(rig: Rig) -> object:
    """How many windows of 40 s may wait for a model that is busy."""
    queue, waiting = parakeet_engine(rig.settings, rig.reader).scheduler._queue, 0
    line = queue.open_line()
    while queue.admits(line, 40.0):
        queue.add(Submitted(line, np.zeros(40 * SAMPLE_RATE_HZ, np.int16)))
        waiting += 1
    return waiting


def decoder_places(rig: Rig) -> object:
    return cast("ProcessReader", InProcess(rig.settings)._reader)._left


def budget_gb(rig: Rig) -> object:
    """What batches may take of 80 GB of which 20 are used."""
    return batch_budget(60 * GB, 80 * GB, options(rig).memory_limit_gb) / GB


FOUR = {"GPU_BATCH_SIZE": "4"}
AT_THE_PAUSE = [(0, 38), (34, 74), (70, 100)]
"""Windows of 40 s at most that overlap by 4 s; the first seam is in the pause."""

CASES = [
    Case(
        "PARAKEET_MODEL_NAME",
        "random:tiny",
        lambda rig: parakeet_engine(rig.settings, rig.reader).model,
        "nvidia/parakeet-tdt-0.6b-v2",
        "random:tiny",
    ),
    Case("PARAKEET_PRECISION", "fp32", lambda rig: options(rig).precision_on("cuda"), "bf16", "fp32"),
    Case("PARAKEET_ATTENTION", "eager", window_gb, 1.0, 1.7),
    Case("PARAKEET_CUDA_GRAPHS", "off", lambda rig: options(rig).cuda_graphs, "auto", "off"),
    Case("PARAKEET_COMPILE", "true", lambda rig: options(rig).compile, False, True),
    Case("GPU_MEMORY_LIMIT_GB", "40", budget_gb, 10.0, 20.0, {"GPU_MEMORY_LIMIT_GB": "30"}),
    Case("GPU_BATCH_SIZE", "2", most, (4, 4, 4, 4), (2, 2, 2, 2), FOUR),
    Case("ENABLE_BATCH_PROCESSING", "false", most, (4, 4, 4, 4), (1, 1, 1, 1), FOUR),
    Case("CHUNK_DURATION_MINUTES", "0.5", windows, AT_THE_PAUSE, [(0, 30), (26, 56), (52, 82), (78, 100)]),
    Case("CHUNK_OVERLAP_SECONDS", "10", windows, AT_THE_PAUSE, [(0, 40), (30, 70), (60, 100)]),
    Case("CHUNK_SEARCH_SECONDS", "0", windows, AT_THE_PAUSE, [(0, 40), (36, 76), (72, 100)]),
    Case("QUEUE_AUDIO_MINUTES", "2", windows_that_wait, 15, 3),
    Case("MAX_CONCURRENT_CHUNKS", "2", decoder_places, 4, 2),
]
