import re
from pathlib import Path

import numpy as np
import pytest

from core.audio import check_info
from core.errors import Damaged, NotAudio, OutOfLimits, Rejected, Retryable
from core.ports import ObjectNotFound
from infra.audio import PyAvReader
from tests.fakes.recordings import (
    MP3,
    VARIABLE,
    CountingStream,
    Recipe,
    chirp,
    encoded,
    seconds_stamped,
    silent_film,
    source_of,
)

FLAC = Recipe("flac", "flac", rate=16_000)
WAV = Recipe("wav", "pcm_s16le", rate=16_000)
FLOATS = Recipe("wav", "pcm_f32le", rate=16_000, layout="stereo")


def decode(data: bytes | CountingStream | None) -> None:
    for _ in PyAvReader().blocks(source_of(data)):
        pass


def refusal(data: bytes) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, this is no audio\n" * 50,
        b"<html><body>404</body></html>" * 50,
        b"\x89PNG\r\n\x1a\n" + bytes(500),
        np.random.default_rng(1).bytes(200_000),
    ],
    ids=["empty", "text", "html", "picture", "noise"],
)
def test_what_is_no_audio_is_refused_by_name_with_what_was_found_and_expected(data: bytes) -> None:
    with pytest.raises(
        NotAudio, match=r"^gs://audio/1/audio_1\.mp3: found .* expected audio: mp3 wav"
    ) as caught:
        PyAvReader().probe(source_of(data))
    assert caught.value.code == "not_audio"
    assert refusal(data).code == "not_audio"


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile secret.wav\n",
        "ffconcat version 1.0\nfile file:secret.wav\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nsecret.wav\n#EXT-X-ENDLIST\n",
    ],
    ids=["ffconcat", "ffconcat with a protocol", "m3u8"],
)
def test_a_playlist_never_opens_the_file_that_it_names(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.wav").write_bytes(encoded(chirp(2, 16_000), WAV))
    monkeypatch.chdir(tmp_path)  # FFmpeg opens a relative name from here, where a list is allowed at all
    assert refusal(text.encode()).code == "not_audio"


def test_a_container_that_is_not_on_the_list_is_refused_although_ffmpeg_could_read_it() -> None:
    data = encoded(chirp(2, 16_000), Recipe("aiff", "pcm_s16be", rate=16_000))
    assert refusal(data).code == "not_audio"


def test_a_film_without_sound_is_refused_by_the_streams_that_it_has() -> None:
    with pytest.raises(NotAudio, match="found streams: video; expected an audio stream") as caught:
        PyAvReader().probe(source_of(silent_film(3)))
    assert caught.value.code == "no_audio_stream"


@pytest.mark.parametrize(
    "recipe",
    [
        MP3,
        Recipe("mp3", "libmp3lame", rate=44_100, codec_options=VARIABLE),
        WAV,
        FLOATS,
        FLAC,
        Recipe("webm", "libopus"),
        Recipe("webm", "libopus", video=True),
    ],
    ids=["mp3", "mp3 variable", "wav", "wav float", "flac", "webm", "film"],
)
def test_a_file_cut_in_half_is_refused_with_both_lengths(recipe: Recipe) -> None:
    data = encoded(chirp(6, recipe.rate), recipe)
    error = refusal(data[: len(data) // 2])
    assert (type(error), error.code) == (Damaged, "truncated")
    assert str(error).startswith("gs://audio/1/audio_1.mp3: ")
    heard_s, stated_s = map(float, re.findall(r"(\d+\.\d+) s", str(error)))
    assert heard_s == pytest.approx(3, abs=0.6)  # FLAC frames are long
    assert stated_s == pytest.approx(6, abs=0.05)


def test_an_mp4_that_lost_its_index_is_refused() -> None:
    data = encoded(chirp(6, 44_100), Recipe("ipod", "aac", rate=44_100))
    with pytest.raises(NotAudio, match="ftyp"):
        PyAvReader().probe(source_of(data[: len(data) // 2]))


def test_a_hole_of_a_fifth_of_the_file_is_refused_not_passed_over_in_silence() -> None:
    data = encoded(chirp(10, 16_000), FLAC)
    at, hole = len(data) // 2, len(data) // 5
    error = refusal(data[:at] + bytes(hole) + data[at + hole :])
    assert (type(error), error.code) == (Damaged, "corrupt")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_no_number_is_refused_with_its_place(value: float) -> None:
    data = bytearray(encoded(chirp(4, 16_000), FLOATS))
    start = data.index(b"data") + 8 + 2 * 16_000 * 2 * 4 + 4  # 2 s of two channels, then the right one
    data[start : start + 4] = np.float32(value).tobytes()
    error = refusal(bytes(data))
    assert (type(error), error.code) == (Damaged, "not_finite")
    assert "the sample at 2.000 s is [" in str(error)


def test_thirteen_hours_are_refused_by_the_header_alone() -> None:
    data = bytearray(encoded(chirp(6, 16_000), FLAC))
    total = 13 * 3600 * 16_000
    data[21] = (data[21] & 0xF0) | total >> 32  # STREAMINFO: 36 bits of total samples from byte 21.5 on
    data[22:26] = (total & 0xFFFF_FFFF).to_bytes(4, "big")
    stream = CountingStream(bytes(data) + bytes(5_000_000))
    info = PyAvReader().probe(source_of(stream))
    with pytest.raises(OutOfLimits, match="duration is 46800 s, expected at most 43200 s"):
        check_info("x", info)
    assert stream.bytes_read < 1_500_000


def test_more_than_twelve_hours_stop_the_decoding_whatever_the_header_says() -> None:
    error = refusal(seconds_stamped(0, 13 * 3600))
    assert (type(error), error.code) == (OutOfLimits, "too_long")
    assert "expected at most 43200 s" in str(error)


def test_a_fraction_of_a_second_is_refused() -> None:
    error = refusal(encoded(chirp(0.3, 16_000), WAV))
    assert (type(error), error.code) == (OutOfLimits, "too_short")


def test_an_object_that_is_gone_is_told_as_such() -> None:
    with pytest.raises(ObjectNotFound):
        PyAvReader().probe(source_of(None))
    with pytest.raises(ObjectNotFound):
        decode(None)


@pytest.mark.parametrize("failure", [ObjectNotFound("1/audio_1.mp3"), Retryable("the store is slow")])
@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize(
    "recipe", [Recipe("mp3", "libmp3lame", rate=8_000), FLAC, WAV], ids=["mp3", "flac", "wav"]
)
def test_a_failure_of_the_store_comes_out_as_itself(recipe: Recipe, share: float, failure: Exception) -> None:
    data = encoded(chirp(120, recipe.rate), recipe)
    with pytest.raises(type(failure)) as caught:
        decode(CountingStream(data, int(share * len(data)), failure))
    assert caught.value is failure
