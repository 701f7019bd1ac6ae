from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.balance import LEAST_S, head_s

speeds = st.floats(0.1, 10_000)


@given(st.floats(0, 50_000), st.floats(0, 20_000), speeds, speeds)
def test_both_finish_together_unless_one_takes_all(
    audio_s: float, wait_s: float, head_rtfx: float, tail_rtfx: float
) -> None:
    split_s = head_s(audio_s, wait_s=wait_s, head_rtfx=head_rtfx, tail_rtfx=tail_rtfx)
    if split_s in (0, audio_s):
        return
    assert split_s >= LEAST_S
    assert audio_s - split_s >= LEAST_S
    assert wait_s + split_s / head_rtfx == pytest.approx((audio_s - split_s) / tail_rtfx, rel=1e-6, abs=1e-6)


@given(st.floats(0, 50_000), st.floats(0, 20_000), speeds, speeds)
def test_neither_engine_alone_would_be_done_much_earlier(
    audio_s: float, wait_s: float, head_rtfx: float, tail_rtfx: float
) -> None:
    split_s = head_s(audio_s, wait_s=wait_s, head_rtfx=head_rtfx, tail_rtfx=tail_rtfx)
    head_done_s = wait_s + split_s / head_rtfx if split_s else 0.0
    done_s = max(head_done_s, (audio_s - split_s) / tail_rtfx)
    alone_s = min(wait_s + audio_s / head_rtfx, audio_s / tail_rtfx)
    assert done_s <= alone_s + LEAST_S / min(head_rtfx, tail_rtfx) + 1e-6


@pytest.mark.parametrize(
    ("audio_s", "wanted_s", "split_s"),
    [(7200, 3600, 3600), (7200, 7141, 7200), (7200, 7140, 7140), (7200, 59, 0), (30, 9000, 30), (30, 20, 30)],
)
def test_a_split_that_is_asked_for_is_kept_where_both_parts_are_worth_it(
    audio_s: float, wanted_s: float, split_s: float
) -> None:
    found = head_s(audio_s, wait_s=1e9, head_rtfx=1, tail_rtfx=100, wanted_s=wanted_s)
    assert found == split_s


def test_an_engine_that_takes_no_time_takes_everything() -> None:
    assert head_s(7200, wait_s=0, head_rtfx=inf, tail_rtfx=120) == 7200


def test_an_engine_that_is_busy_until_the_other_is_done_takes_nothing() -> None:
    assert head_s(7200, wait_s=60, head_rtfx=inf, tail_rtfx=120) == 0
