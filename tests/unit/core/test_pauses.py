import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pauses import REACH, SEARCH, pauses
from core.ports import SAMPLE_RATE_HZ
from tests.fakes.parts import SoundReader, source

RATE = SAMPLE_RATE_HZ
RNG = np.random.default_rng(7)
LOUD = (RNG.normal(size=120 * RATE) * 3_000).astype(np.int16)


def with_pauses(*starts_s: float) -> SoundReader:
    audio = LOUD.copy()
    for start_s in starts_s:
        audio[round(start_s * RATE) : round((start_s + 0.5) * RATE)] = 0
    return SoundReader(audio)


def found(reader: SoundReader, *targets_s: float) -> list[float]:
    targets = [round(target_s * RATE) for target_s in targets_s]
    return [place / RATE for place in pauses(reader.blocks(source()), targets)]


def test_each_place_lies_in_the_pause_before_its_target() -> None:
    places = found(with_pauses(33.0, 52.0, 71.5), 40.0, 60.0, 80.0)
    assert places == [pytest.approx(start_s + 0.25, abs=0.13) for start_s in (33.0, 52.0, 71.5)]


def test_a_pause_too_early_is_too_far_from_the_target() -> None:
    (place,) = found(with_pauses(25.0), 40.0)
    assert 40.0 - SEARCH / RATE <= place <= 40.0


def test_a_target_that_the_audio_does_not_reach_has_no_place() -> None:
    assert len(found(with_pauses(), 60.0, 119.5)) == 1
    assert found(with_pauses(), 200.0) == []


def test_nothing_is_read_beyond_the_last_target() -> None:
    reader = with_pauses()
    found(reader, 20.0, 40.0)
    assert reader.taken <= 40 * RATE + REACH + reader.block


@given(st.integers(RATE // 10, 30 * RATE), st.floats(11.0, 50.0), st.floats(62.0, 110.0))
@settings(max_examples=30, deadline=None)
def test_how_the_audio_is_divided_into_blocks_changes_nothing_that_can_be_heard(
    block: int, first_s: float, second_s: float
) -> None:
    pauses_s = [first_s - 4.0, second_s - 6.0]
    reader = with_pauses(*pauses_s)
    reader.block = block
    for place, start_s in zip(found(reader, first_s, second_s), pauses_s, strict=True):
        assert start_s <= place <= start_s + 0.5
