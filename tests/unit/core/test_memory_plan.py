import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.memory import MARGIN, Dimensions, Footprint, Measured, corrected, plan

BF16 = Footprint.of(Dimensions())
GB = 1e9


@pytest.mark.parametrize(("size_s", "expected_bytes"), [(30, 99e6), (300, 1.66 * GB), (600, 6.53 * GB)])
def test_the_formula_gives_the_known_bytes_of_one_window(size_s: float, expected_bytes: float) -> None:
    assert BF16.bytes_of(1, size_s) == pytest.approx(expected_bytes, rel=0.005)


def test_eight_windows_of_ten_minutes_do_not_fit_24_gb() -> None:
    assert BF16.bytes_of(8, 600) == pytest.approx(52 * GB, rel=0.005)
    assert plan(BF16, 24 * GB - 1.24 * GB - 0.5 * GB, (600.0,), 8).most == (2,)


def test_single_precision_takes_twice_the_bytes() -> None:
    single = Footprint.of(Dimensions(), "fp32")
    assert single.bytes_of(3, 30) == 2 * BF16.bytes_of(3, 30)
    assert single.bytes_of(3, 600) == 2 * BF16.bytes_of(3, 600)


def test_fused_attention_takes_less_where_attention_peaks() -> None:
    fused = Footprint.of(Dimensions(), attention="sdpa")
    frames = 600 * 12.5
    assert BF16.bytes_of(1, 600) - fused.bytes_of(1, 600) == pytest.approx(48 * frames**2)
    assert fused.bytes_of(1, 30) == BF16.bytes_of(1, 30)


def test_each_term_grows_with_its_own_dimensions() -> None:
    assert Footprint.of(Dimensions(conv_channels=512)).conv_bytes == 2 * BF16.conv_bytes
    assert Footprint.of(Dimensions(features=64)).conv_bytes == BF16.conv_bytes / 2
    assert Footprint.of(Dimensions(heads=4)).square_bytes == BF16.square_bytes / 2
    assert Footprint.of(Dimensions(d_model=512)).linear_bytes == BF16.linear_bytes / 2


def test_a_split_subsampling_peaks_lower() -> None:
    split = Footprint.of(Dimensions(), chunking=4)
    assert split.bytes_of(1, 30) == BF16.bytes_of(1, 30)
    assert split.bytes_of(2, 30) == pytest.approx(BF16.bytes_of(1, 30))
    assert split.bytes_of(16, 30) == pytest.approx(BF16.bytes_of(4, 30))


sizes = st.lists(st.sampled_from([5.0, 20.0, 30.0, 40.0, 120.0, 600.0]), min_size=1, unique=True).map(sorted)
footprints = st.builds(
    Footprint.of,
    st.builds(Dimensions, heads=st.integers(1, 16), d_model=st.integers(64, 2048)),
    st.sampled_from(["bf16", "fp32"]),
    st.sampled_from(["eager", "sdpa"]),
    st.sampled_from([1, 2, 8]),
)


@given(footprints, st.floats(1e6, 80e9), sizes, st.integers(1, 200), st.integers(1, 4))
def test_a_plan_fits_with_its_margin_and_one_window_more_does_not(
    footprint: Footprint, budget_bytes: float, sizes_s: list[float], most_windows: int, workers: int
) -> None:
    limits = plan(footprint, budget_bytes, sizes_s, most_windows, workers)
    for size_s, most in zip(limits.sizes_s, limits.most, strict=True):
        taken = [MARGIN * limits.workers * footprint.bytes_of(n, size_s) for n in (most, most + 1)]
        assert most == 1 or taken[0] <= budget_bytes * (1 + 1e-9)
        assert most == most_windows or taken[1] >= budget_bytes * (1 - 1e-9)


def test_workers_are_given_up_before_windows_are() -> None:
    one = BF16.bytes_of(1, 600) * MARGIN
    assert plan(BF16, 2.5 * one, (600.0,), 8, workers=4).workers == 2
    assert plan(BF16, 0.5 * one, (600.0,), 8, workers=4).workers == 1


def test_a_window_that_does_not_fit_by_the_formula_is_left_to_the_device() -> None:
    assert plan(BF16, 1e6, (600.0,), 8).most == (1,)


def test_a_plan_without_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="expected a count of 1 or more"):
        plan(BF16, 24 * GB, (30.0,), 0)


def test_two_measurements_are_met_exactly() -> None:
    measured = [(4, 10.0, 1.5 * BF16.bytes_of(4, 10.0) + 2e8), (8, 40.0, 1.5 * BF16.bytes_of(8, 40.0) + 2e8)]
    fitted = corrected(BF16, measured)
    assert fitted.fixed_bytes == pytest.approx(2e8)
    assert fitted.bytes_of(16, 30) == pytest.approx(1.5 * BF16.bytes_of(16, 30) + 2e8)


def test_a_line_that_falls_gives_way_to_the_largest_ratio() -> None:
    small, large = BF16.bytes_of(1, 10), BF16.bytes_of(8, 40)
    fitted = corrected(BF16, [(1, 10.0, 3 * small), (8, 40.0, 0.01 * large)])
    assert fitted.bytes_of(8, 40) == pytest.approx(3 * large)


def test_without_measurements_the_formula_stands() -> None:
    assert corrected(BF16, []) == BF16


measurements = st.lists(
    st.tuples(st.integers(1, 64), st.sampled_from([5.0, 10.0, 40.0, 300.0]), st.floats(1e5, 1e11)),
    min_size=1,
    max_size=5,
)


@given(footprints, measurements)
def test_a_corrected_footprint_is_never_below_a_measurement(
    footprint: Footprint, measured: list[Measured]
) -> None:
    fitted = corrected(footprint, measured)
    for windows, size_s, taken in measured:
        assert fitted.bytes_of(windows, size_s) >= taken * (1 - 1e-9)


@given(footprints, measurements)
def test_a_corrected_footprint_still_grows_with_the_batch(
    footprint: Footprint, measured: list[Measured]
) -> None:
    fitted = corrected(footprint, measured)
    assert fitted.bytes_of(2, 40) >= fitted.bytes_of(1, 40) > 0
    assert fitted.bytes_of(1, 40) >= fitted.bytes_of(1, 5)
