import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import Damaged
from infra.audio import PyAvReader
from tests.fakes.recordings import (
    MP3,
    VARIABLE,
    CountingStream,
    Recipe,
    chirp,
    encoded,
    seconds_stamped,
    source_of,
)

RATE = 16_000
RECIPES = {
    "mp3 mono 8 kHz": MP3,
    "mp3 stereo 48 kHz": Recipe("mp3", "libmp3lame", layout="stereo"),
    "mp3 variable bit rate": Recipe("mp3", "libmp3lame", rate=44_100, codec_options=VARIABLE),
    "wav 16 bit": Recipe("wav", "pcm_s16le", rate=44_100, layout="stereo"),
    "wav 24 bit": Recipe("wav", "pcm_s24le", rate=96_000),
    "wav float": Recipe("wav", "pcm_f32le", rate=16_000),
    "wav 5.1": Recipe("wav", "pcm_s16le", layout="5.1"),
    "flac": Recipe("flac", "flac", layout="stereo"),
    "m4a": Recipe("ipod", "aac", rate=44_100, layout="stereo"),
    "aac": Recipe("adts", "aac"),
    "ogg vorbis": Recipe("ogg", "vorbis", layout="stereo", codec_options=(("strict", "experimental"),)),
    "ogg opus": Recipe("ogg", "libopus"),
    "webm opus": Recipe("webm", "libopus", layout="stereo"),
    "webm with video": Recipe("webm", "libopus", video=True),
    "wma": Recipe("asf", "wmav2", rate=44_100, layout="stereo", bit_rate=64_000),
}
IN_A_PIPE = [
    "mp3 mono 8 kHz",
    "mp3 stereo 48 kHz",
    "wav 16 bit",
    "wav float",
    "flac",
    "aac",
    "ogg opus",
    "webm opus",
    "webm with video",
]
SECONDS = 6.0


def decoded(data: bytes | CountingStream) -> NDArray[np.int16]:
    return np.concatenate([block.samples for block in PyAvReader().blocks(source_of(data))])


def lag_s(heard: NDArray[np.int16]) -> float:
    """How much later the chirp is heard than it was said."""
    said, reach = chirp(SECONDS, RATE), 3_200
    part = heard[RATE : 3 * RATE].astype(np.float64)
    match = np.correlate(said[RATE - reach : 3 * RATE + reach], part, "valid")
    return (reach - int(np.argmax(match))) / RATE


@pytest.mark.parametrize("name", RECIPES)
def test_every_format_decodes_to_the_sound_that_was_stored(name: str) -> None:
    recipe = RECIPES[name]
    data = encoded(chirp(SECONDS, recipe.rate), recipe)
    info = PyAvReader().probe(source_of(data))
    heard = decoded(data)
    assert info.duration_s == pytest.approx(SECONDS, abs=0.05)
    assert info.sample_rate_hz == recipe.rate
    assert len(heard) / RATE == pytest.approx(SECONDS, abs=0.05)
    assert abs(lag_s(heard)) < 0.05
    assert np.sqrt(np.mean((heard / 32_768) ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize("name", IN_A_PIPE)
def test_a_file_written_to_a_pipe_states_no_length_and_is_read_all_the_same(name: str) -> None:
    recipe = RECIPES[name]
    data = encoded(chirp(SECONDS, recipe.rate), recipe, to_pipe=True)
    info = PyAvReader().probe(source_of(data))
    assert info.duration_s == pytest.approx(SECONDS, abs=0.2)  # without its tag, MP3 keeps the padding
    assert len(decoded(data)) / RATE == pytest.approx(info.duration_s, abs=0.05)


def test_probing_names_codec_and_channels() -> None:
    data = encoded(chirp(2, 48_000), RECIPES["wav 5.1"])
    info = PyAvReader().probe(source_of(data))
    assert (info.codec, info.channels, info.sample_rate_hz) == ("pcm_s16le", 6, 48_000)


def test_a_length_that_is_stated_or_counted_is_no_estimate() -> None:
    for name in ("mp3 mono 8 kHz", "wav 16 bit", "flac", "m4a", "aac"):
        data = encoded(chirp(SECONDS, RECIPES[name].rate), RECIPES[name])
        assert not PyAvReader().probe(source_of(data)).is_estimate, name


def test_probing_reads_little_of_a_long_file() -> None:
    data = encoded(chirp(60, 48_000), RECIPES["wav 5.1"])
    stream = CountingStream(data)
    PyAvReader().probe(source_of(stream))
    assert stream.reads <= 12
    assert stream.bytes_read < len(data) / 10


def test_blocks_of_ten_seconds_come_before_the_file_was_read_to_its_end() -> None:
    data = encoded(chirp(300, 8_000), MP3)
    stream = CountingStream(data)
    blocks = PyAvReader().blocks(source_of(stream))
    assert len(next(blocks).samples) == 10 * RATE
    assert stream.bytes_read < 0.6 * len(data)
    sizes = {len(block.samples) for block in blocks}
    assert max(sizes) == 10 * RATE
    assert stream.closed


def test_leaving_early_closes_the_object() -> None:
    stream = CountingStream(encoded(chirp(30, 8_000), MP3))
    blocks = PyAvReader().blocks(source_of(stream))
    next(blocks)
    del blocks
    assert stream.closed


def test_a_small_hole_in_the_time_stamps_becomes_silence_of_its_length() -> None:
    data = encoded(chirp(20, RATE), Recipe("flac", "flac", rate=RATE))
    at, hole = len(data) // 2, len(data) // 50
    heard = decoded(data[:at] + bytes(hole) + data[at + hole :])
    assert len(heard) / RATE == pytest.approx(20, abs=0.01)
    assert np.count_nonzero(heard[9 * RATE : 11 * RATE] == 0) > 0.2 * RATE
    said = chirp(20, RATE)[12 * RATE :] * 32_768
    assert np.abs(heard[12 * RATE :] - said).max() < 20


def test_time_stamps_that_start_anew_lose_no_sound_and_hide_no_later_hole() -> None:
    assert len(decoded(seconds_stamped(0, 0, 1.15))) == pytest.approx(3.15 * RATE, abs=2)


def test_probing_an_mp3_without_a_tag_does_not_read_it_to_the_end() -> None:
    data = encoded(chirp(300, 8_000), MP3, to_pipe=True)
    stream = CountingStream(data)
    assert PyAvReader().probe(source_of(stream)).duration_s == pytest.approx(300, rel=0.01)
    assert stream.bytes_read < len(data) / 2


def test_a_wrong_estimate_of_the_length_does_not_make_a_whole_file_damaged() -> None:
    recipe = Recipe("mp3", "libmp3lame", rate=44_100, codec_options=VARIABLE)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 8 * 44_100)
    data = encoded(np.concatenate((np.zeros(20 * 44_100), noise)), recipe, to_pipe=True)
    info = PyAvReader().probe(source_of(data))
    assert (info.duration_s > 1.2 * 28, info.is_estimate) == (True, True)
    assert len(decoded(data)) / RATE == pytest.approx(28, abs=0.1)


def test_a_length_behind_a_long_id3_tag_is_found() -> None:
    recipe = Recipe("mp3", "libmp3lame", rate=8_000, options=(("id3v2_version", "0"),))
    data = encoded(chirp(SECONDS, 8_000), recipe)
    tag = b"ID3\x04\x00\x00" + bytes([0, 0x20, 0, 0]) + bytes(0x20 << 14)
    with pytest.raises(Damaged, match="the header states 6"):
        decoded(tag + data[: len(data) // 2])


def test_a_title_that_is_no_utf8_does_not_stop_anything() -> None:
    title = "Grüße".encode("latin-1").ljust(30, b"\0")
    # Of the two kinds of tags FFmpeg reads the old one only where the new one is missing.
    recipe = Recipe("mp3", "libmp3lame", rate=8_000, options=(("id3v2_version", "0"),))
    data = encoded(chirp(SECONDS, 8_000), recipe) + b"TAG" + title + bytes(95)
    assert PyAvReader().probe(source_of(data)).duration_s == pytest.approx(SECONDS, abs=0.2)
    assert len(decoded(data)) / RATE == pytest.approx(SECONDS, abs=0.2)


def test_a_tag_that_should_hold_a_length_and_does_not_is_passed_over() -> None:
    data = encoded(chirp(SECONDS, 48_000), RECIPES["webm opus"])
    assert b"00:00:06" in data
    spoilt = source_of(data.replace(b"00:00:06", b"so:it:is"))
    assert PyAvReader().probe(spoilt).duration_s == pytest.approx(SECONDS, abs=0.1)


def test_ffmpeg_keeps_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    data = encoded(chirp(SECONDS, 48_000), RECIPES["flac"])
    decoded(data[: len(data) // 2] + bytes(64) + data[len(data) // 2 + 64 :])
    assert capfd.readouterr() == ("", "")
