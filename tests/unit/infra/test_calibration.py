import numpy as np
import pytest

from core.errors import EngineFailed
from core.memory import Dimensions, Footprint
from infra.acceleration import Decoder
from infra.calibration import batch_budget, cpu_limits
from infra.engine_options import EngineOptions
from infra.staging import CpuStaging, padded_to

TINY = Footprint.of(Dimensions(128, 4, 96, 80), "fp32", "sdpa")
LARGE = Footprint.of(Dimensions(), "fp32", "sdpa")
GB = 1e9


def test_a_small_model_hears_ninety_seconds_in_each_batch_and_a_batch_on_each_core() -> None:
    limits = cpu_limits(TINY, EngineOptions(), cores=2, free_bytes=16 * GB)
    assert limits.most == (9, 4, 3, 2)
    assert limits.workers == 2


def test_a_large_model_on_a_small_machine_gets_smaller_batches_and_fewer_workers() -> None:
    limits = cpu_limits(LARGE, EngineOptions(), cores=8, free_bytes=2 * GB)
    assert limits.workers * LARGE.bytes_of(1, 40.0) <= 1 * GB
    for size_s, most in zip(limits.sizes_s, limits.most, strict=True):
        assert most >= 1
        assert limits.workers * LARGE.bytes_of(most, size_s) <= 1 * GB


def test_what_is_asked_for_is_done_where_memory_allows() -> None:
    options = EngineOptions(batch_size=16, workers=1, sizes_s=(30.0,))
    limits = cpu_limits(TINY, options, cores=2, free_bytes=64 * GB)
    assert (limits.sizes_s, limits.most, limits.workers) == ((30.0,), (16,), 1)


def test_precision_follows_the_device_unless_it_is_set() -> None:
    assert EngineOptions().precision_on("cuda") == "bf16"
    assert EngineOptions().precision_on("cpu") == "fp32"
    assert EngineOptions(precision="fp32").precision_on("cuda") == "fp32"


def test_windows_are_padded_to_the_next_size_and_longer_ones_not_at_all() -> None:
    assert [padded_to(samples, (100, 200)) for samples in (1, 100, 101, 200, 201)] == [
        100,
        100,
        200,
        200,
        201,
    ]


@pytest.mark.asr
def test_on_a_cpu_batches_are_padded_in_steps_of_four_seconds_so_that_few_shapes_are_met() -> None:
    lengths = ([1_600], [63_999, 400], [64_000], [64_001], [640_000, 16_000])
    shapes = [CpuStaging().stage([np.zeros(n, np.int16) for n in batch]).audio.shape for batch in lengths]
    assert shapes == [(1, 64_000), (2, 64_000), (1, 64_000), (1, 128_000), (2, 640_000)]


class Shaped:
    """Stands in for a tensor where only its shape is asked for."""

    def __init__(self, *shape: int) -> None:
        self.shape = shape


def test_only_batches_that_fit_into_the_graph_are_given_to_it() -> None:
    decoder = Decoder(
        plain=lambda x, out_len: ("plain", None),
        graph=lambda x, out_len: ("graph", None),
        most=4,
        longest=500,
    )
    shapes = (4, 500), (1, 10), (5, 10), (1, 501)
    assert [decoder(Shaped(*shape, 8), None) for shape in shapes] == ["graph", "graph", "plain", "plain"]
    assert Decoder(plain=lambda x, out_len: ("plain", None))(Shaped(1, 1, 8), None) == "plain"


def test_batches_on_cuda_get_what_the_limit_leaves_beside_weights_and_context() -> None:
    assert batch_budget(20 * GB, 24 * GB, None) == 18 * GB
    assert batch_budget(20 * GB, 24 * GB, 23.0) == 18 * GB
    assert batch_budget(20 * GB, 24 * GB, 10.0) == 6 * GB


def test_a_limit_that_the_model_alone_reaches_is_an_error_that_names_it() -> None:
    with pytest.raises(EngineFailed, match=r"4\.0 GB .* expected less than GPU_MEMORY_LIMIT_GB=4") as raised:
        batch_budget(20 * GB, 24 * GB, 4.0)
    assert raised.value.code == "engine_out_of_memory"
