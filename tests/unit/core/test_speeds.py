import json
from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.speeds import FASTEST, REMEMBERED, SLOWEST, Measurement, Speed, Unmeasured


def measured(rtfx: float, audio_s: float = 3600.0) -> Measurement:
    found = Measurement.of(audio_s, audio_s / rtfx)
    assert found is not None
    return found


def taught(*rtfx: float) -> Speed:
    speed = Speed()
    for value in rtfx:
        speed = speed.taught(measured(value))
    return speed


def test_two_files_are_not_yet_a_speed() -> None:
    assert taught(200, 210).rtfx is None
    assert taught(200, 210, 220).rtfx == pytest.approx(210)


def test_an_outlier_does_not_move_the_speed() -> None:
    assert taught(200, 5, 205, 9000, 210).rtfx == pytest.approx(205)


def test_a_lasting_change_is_believed_once_most_files_say_so() -> None:
    slow, fast = [100.0] * REMEMBERED, [300.0] * REMEMBERED
    assert taught(*slow, *fast[:7]).rtfx == pytest.approx(100)
    assert taught(*slow, *fast[:8]).rtfx == pytest.approx(300)


def test_short_files_do_not_outvote_long_ones() -> None:
    speed = taught(200, 200)
    for _ in range(5):
        speed = speed.taught(measured(20, audio_s=60))
    assert speed.rtfx == pytest.approx(200)


def test_one_file_of_half_a_day_has_no_more_voice_than_others() -> None:
    speed = Speed().taught(measured(900, audio_s=12 * 3600))
    for _ in range(2):
        speed = speed.taught(measured(100))
    assert speed.rtfx == pytest.approx(100)


@pytest.mark.parametrize(
    ("audio_s", "work_s"),
    [(59.9, 1), (3600, 0), (3600, -1), (nan, 1), (3600, nan), (inf, 1), (3600, inf), (3600, 0.01), (60, 1e6)],
)
def test_nonsense_teaches_nothing(audio_s: float, work_s: float) -> None:
    assert Measurement.of(audio_s, work_s) is None


def test_only_the_latest_files_are_remembered() -> None:
    speed = taught(*range(1, 100))
    assert (len(speed.last), speed.files) == (REMEMBERED, 99)
    assert speed.last[-1].rtfx == pytest.approx(99)


def test_what_is_written_is_read_back() -> None:
    speed = taught(100, 200, 300)
    read = Speed.from_json(json.loads(json.dumps(speed.to_json())))
    assert read.rtfx == pytest.approx(200)
    assert (read.files, len(read.last)) == (3, 3)


@pytest.mark.parametrize("wrong", [{"rtfx": 0}, {"rtfx": "nan"}, {"weight_s": -1}, {"rtfx": None}])
def test_a_kept_measurement_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    kept = taught(100, 200, 300).to_json()
    kept["last"][1] |= wrong
    with pytest.raises((ValueError, TypeError)):
        Speed.from_json(kept)


def test_who_measures_nothing_knows_nothing() -> None:
    nobody = Unmeasured()
    nobody.learn("NVIDIA L4", "parakeet", 3600, 36)
    assert nobody.rtfx("NVIDIA L4", "parakeet") is None


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(1e-3, 1e5)), max_size=40))
def test_the_speed_is_always_one_that_was_measured(files: list[tuple[float, float]]) -> None:
    speed = Speed()
    for audio_s, work_s in files:
        if measurement := Measurement.of(audio_s, work_s):
            speed = speed.taught(measurement)
    assert speed.rtfx is None or speed.rtfx in {one.rtfx for one in speed.last}
    assert all(SLOWEST <= one.rtfx <= FASTEST for one in speed.last)


@given(st.permutations([90.0, 95.0, 100.0, 105.0, 110.0]), st.floats(0.02, 90_000))
def test_one_file_in_six_moves_the_speed_by_one_place_at_most(order: list[float], odd: float) -> None:
    speed = replace(taught(*order).taught(measured(odd)))
    assert speed.rtfx is not None
    assert 94 < speed.rtfx < 106
