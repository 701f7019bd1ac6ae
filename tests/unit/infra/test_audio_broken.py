"""Odd and broken audio: what is there is heard at its time, what is missing is a hole, or too much."""

import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Damaged, OutOfLimits
from core.ports import Block
from infra.audio import PyAvReader
from tests.fakes.recordings import MP3, VARIABLE, Recipe, chirp, encoded, seconds_stamped, source_of

RATE = 16_000
FLAC = Recipe("flac", "flac", rate=RATE)
AAC = Recipe("adts", "aac")
WAV = Recipe("wav", "pcm_s16le", rate=RATE)
CHANGING = Recipe("mp3", "libmp3lame", rate=44_100, codec_options=VARIABLE)
STEREO = Recipe("mp3", "libmp3lame", layout="stereo")


def read(data: bytes) -> list[Block]:
    return list(PyAvReader().blocks(source_of(data)))


def joined(blocks: list[Block]) -> NDArray[np.int16]:
    return np.concatenate([block.samples for block in blocks])


def holes_s(blocks: list[Block]) -> list[tuple[float, float]]:
    """Start and end of each hole."""
    found, at = [], 0
    for block in blocks:
        if block.is_hole:
            found.append((at / RATE, (at + len(block.samples)) / RATE))
        at += len(block.samples)
    return found


def clicks(seconds: int, rate: int) -> NDArray[np.float64]:
    """A tone of 20 ms at each full second, in faint noise that takes FLAC a steady number of bytes."""
    sound = np.random.default_rng(4).uniform(-0.02, 0.02, seconds * rate)
    for second in range(1, seconds):
        sound[second * rate : second * rate + rate // 50] = 0.8 * np.sin(np.arange(rate // 50) * 1.0)
    return sound


def spoilt(data: bytes, share: float) -> bytes:
    at, lost = len(data) // 2, round(share * len(data))
    return data[:at] + bytes(lost) + data[at + lost :]


@pytest.mark.parametrize(
    ("recipe", "late_s"), [(MP3, 0.06), (STEREO, 0.06), (FLAC, 0.01)], ids=["mp3 8 kHz", "mp3 48 kHz", "flac"]
)
def test_behind_a_broken_stretch_every_sound_stands_at_its_time(recipe: Recipe, late_s: float) -> None:
    blocks = read(spoilt(encoded(clicks(100, recipe.rate), recipe), 0.02))
    assert np.array(holes_s(blocks)) == pytest.approx(np.array([[50, 52]]), abs=0.3)
    behind = joined(blocks)[60 * RATE :]
    loud = np.flatnonzero(np.abs(behind.astype(int)) > 8_000) / RATE
    assert len(loud) > 100
    assert np.abs(loud - np.round(loud)).max() < 0.02 + late_s


def test_a_broken_stretch_of_a_variable_bit_rate_takes_about_its_time() -> None:
    blocks = read(spoilt(encoded(chirp(100, 44_100), CHANGING), 0.02))
    assert np.array(holes_s(blocks)) == pytest.approx(np.array([[50, 52]]), abs=3)
    assert len(joined(blocks)) / RATE == pytest.approx(100, abs=0.5)


@pytest.mark.parametrize("recipe", [MP3, CHANGING, FLAC, AAC], ids=["mp3", "mp3 variable", "flac", "aac"])
def test_a_broken_stretch_of_more_than_a_twentieth_is_refused(recipe: Recipe) -> None:
    with pytest.raises(Damaged, match="could be decoded, expected 95% of") as caught:
        read(spoilt(encoded(chirp(60, recipe.rate), recipe), 0.1))
    assert caught.value.code == "corrupt"


def test_a_hole_in_the_time_stamps_is_marked_and_nothing_else_is() -> None:
    blocks = read(seconds_stamped(*range(30), 31))
    assert holes_s(blocks) == [(30.0, 31.0)]
    assert [not block.samples.any() for block in blocks] == [block.is_hole for block in blocks]


def test_stored_silence_is_no_hole() -> None:
    assert holes_s(read(encoded(np.zeros(20 * RATE), FLAC))) == []


def test_a_tag_with_a_picture_between_two_joined_files_is_no_hole() -> None:
    first, second = encoded(chirp(30, 8_000), MP3, to_pipe=True), encoded(chirp(30, 8_000), MP3)
    picture = np.random.default_rng(2).bytes(100 * 128)
    tag = b"ID3\x03\x00\x00" + bytes([0, 0, 100, 0]) + picture
    blocks = read(first + tag + second)
    assert holes_s(blocks) == []
    assert len(joined(blocks)) / RATE == pytest.approx(60, abs=0.5)


@pytest.mark.parametrize("stated_s", [6, 20])
def test_a_header_that_states_too_little_cuts_nothing_off(stated_s: int) -> None:
    data = bytearray(encoded(chirp(30, 8_000), MP3))
    at = data.index(b"Info") + 8  # the tag's name, its flags, then the number of frames
    data[at : at + 4] = round(stated_s * 8_000 / 576).to_bytes(4, "big")
    assert len(joined(read(bytes(data)))) / RATE == pytest.approx(30, abs=0.2)


def test_a_header_that_states_too_much_makes_a_file_truncated() -> None:
    data = bytearray(encoded(chirp(30, 8_000), MP3))
    at = data.index(b"Info") + 8
    data[at : at + 4] = round(40 * 8_000 / 576).to_bytes(4, "big")
    with pytest.raises(Damaged, match=r"the header states 39\.86") as caught:
        read(bytes(data))
    assert caught.value.code == "truncated"


def test_clipped_sound_keeps_its_loudness_and_wraps_nowhere() -> None:
    square = np.sign(np.sin(np.arange(5 * 48_000) * 2 * np.pi * 100 / 48_000) + 1e-9)
    heard = joined(read(encoded(1.5 * square, Recipe("wav", "pcm_f32le", layout="stereo")))).astype(int)
    middle = heard[RATE : 4 * RATE].reshape(-1, 160)  # one period in each row
    assert (middle[:, 20:60] > 30_000).all()
    assert (middle[:, 100:140] < -30_000).all()


@pytest.mark.parametrize("recipe", [WAV, FLAC], ids=["wav", "flac"])
def test_a_single_sample_is_too_short(recipe: Recipe) -> None:
    with pytest.raises(OutOfLimits) as caught:
        read(encoded(np.array([0.5]), recipe))
    assert caught.value.code == "too_short"


def test_a_long_tag_before_aac_is_not_taken_for_lost_sound() -> None:
    sound = encoded(chirp(6, 48_000), AAC)
    tag = b"ID3\x03\x00\x00" + bytes([0, 4, 0, 0]) + bytes(4 << 14)
    assert len(tag) > len(sound) / 2
    assert len(joined(read(tag + sound))) / RATE == pytest.approx(6, abs=0.1)
