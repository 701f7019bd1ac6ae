import hashlib
from dataclasses import replace

import pytest

from core.audio import (
    EXTENSIONS,
    MAX_DURATION_S,
    AudioInfo,
    AudioObject,
    AudioSource,
    check_info,
    check_names,
    check_size,
)
from core.errors import IdMismatch, NotAudio, OutOfLimits
from core.formats import output_names
from core.ports import ObjectNotFound
from tests.fakes.world import AUDIO, world

AUDIO_7 = AudioObject("bucket", "7/audio_7.mp3", 12, 100)
INFO = AudioInfo(60.0, 8_000, 1, "mp3")


def test_the_job_id_is_the_digest_of_bucket_name_and_generation() -> None:
    assert AUDIO_7.job_id == hashlib.sha256(b"bucket/7/audio_7.mp3#12").hexdigest()
    assert replace(AUDIO_7, generation=13).job_id != AUDIO_7.job_id
    assert replace(AUDIO_7, metadata={"a": "b"}, size_bytes=5).job_id == AUDIO_7.job_id


@pytest.mark.parametrize("extension", [*EXTENSIONS, ".MP3"])
def test_an_object_is_audio_by_its_extension(extension: str) -> None:
    assert replace(AUDIO_7, name=f"7/anything{extension}").is_audio


@pytest.mark.parametrize("name", ["7/7.mp4", "7/audio_7_waveform.json", "7/mp3", "7/audio.mp3/", "7/audio_7"])
def test_what_lies_beside_the_audio_is_no_audio(name: str) -> None:
    assert not replace(AUDIO_7, name=name).is_audio


@pytest.mark.parametrize(
    ("name", "video_id"),
    [
        ("2434635255/audio_2434635255.mp3", "2434635255"),
        ("2434635255/audio/audio_2434635255.mp3", "2434635255"),
        ("talks/monday.flac", "talks/monday"),
        ("talks/v1.2/monday.morning.flac", "talks/v1.2/monday.morning"),
        ("a.b/c", "a.b/c"),
        (".mp3", ".mp3"),
        ("7/video/audio_8.mp3", "7/video/audio_8"),
    ],
)
def test_the_video_id_comes_from_the_name(name: str, video_id: str) -> None:
    assert replace(AUDIO_7, name=name).video_id == video_id


def test_the_video_id_in_the_metadata_comes_first() -> None:
    assert replace(AUDIO_7, name="7/audio_8.mp3", metadata={"video_id": "9"}).video_id == "9"
    for nothing in ("", " ", "\n"):
        assert replace(AUDIO_7, metadata={"video_id": nothing}).video_id == "7"


def test_a_video_id_holds_no_line_break_since_no_object_name_may() -> None:
    assert replace(AUDIO_7, metadata={"video_id": "9\r\n"}).video_id == "9"
    assert replace(AUDIO_7, metadata={"video_id": "a\ntalk"}).video_id == "a talk"


def test_two_ids_that_differ_are_refused_with_both() -> None:
    with pytest.raises(IdMismatch, match=r"gs://bucket/7/audio_8.mp3.* 7, .* 8;"):
        _ = replace(AUDIO_7, name="7/audio_8.mp3").video_id


def test_a_source_reads_the_generation_that_was_announced() -> None:
    place = world()
    audio = place.upload(data=b"first")
    source = AudioSource(audio, place.memory)
    assert source.open().read() == b"first"
    assert source.url(60) is None
    place.upload(data=b"second")
    with pytest.raises(ObjectNotFound):
        source.open()


@pytest.mark.parametrize(
    ("size_bytes", "code", "found"), [(0, "empty", "0 bytes"), (1001, "too_large", "1001 bytes")]
)
def test_a_size_out_of_the_limits_is_refused_with_both_values(size_bytes: int, code: str, found: str) -> None:
    with pytest.raises(OutOfLimits, match=f"size is {found}, expected at (least 1|most 1000) byte") as caught:
        check_size(replace(AUDIO_7, size_bytes=size_bytes), 1000)
    assert caught.value.code == code


@pytest.mark.parametrize("size_bytes", [1, 1000])
def test_a_size_at_the_limit_is_taken(size_bytes: int) -> None:
    check_size(replace(AUDIO_7, size_bytes=size_bytes), 1000)


def test_an_unknown_extension_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NotAudio, match=r"unknown extension, expected one of \.mp3 ") as caught:
        check_size(replace(AUDIO_7, name="7/7.mp4"), 1000)
    assert caught.value.code == "unsupported_extension"


def test_a_name_is_measured_in_bytes() -> None:
    check_names("a", ["x", "ü" * 512])
    with pytest.raises(OutOfLimits, match="1025 bytes, expected at most 1024 bytes") as caught:
        check_names("a", ["x", "ü" * 512 + "x"])
    assert caught.value.code == "name_too_long"


@pytest.mark.parametrize("duration_s", [1.0, MAX_DURATION_S])
def test_a_duration_at_the_limit_is_taken(duration_s: float) -> None:
    check_info("a", replace(INFO, duration_s=duration_s))


@pytest.mark.parametrize(
    ("info", "code", "sentence"),
    [
        (replace(INFO, duration_s=0.999), "too_short", "a: duration is 0.999 s, expected at least 1 s"),
        (
            replace(INFO, duration_s=float("nan")),
            "too_short",
            "a: duration is nan s, expected at least 1 s",
        ),
        (
            replace(INFO, duration_s=43200.25),
            "too_long",
            "a: duration is 43200.25 s, expected at most 43200 s",
        ),
        (
            replace(INFO, sample_rate_hz=7999),
            "sample_rate_too_low",
            "a: sample rate is 7999 Hz, expected at least 8000 Hz",
        ),
    ],
)
def test_a_header_out_of_the_limits_is_refused_with_both_values(
    info: AudioInfo, code: str, sentence: str
) -> None:
    with pytest.raises(OutOfLimits) as caught:
        check_info("a", info)
    assert (caught.value.code, str(caught.value)) == (code, sentence)


def test_the_uri_names_bucket_and_object() -> None:
    assert world().upload(name="x/y.mp3").uri == f"gs://{AUDIO}/x/y.mp3"


@pytest.mark.parametrize("video_id", ["..", "../../x", "a/../b", "./a"])
def test_outputs_never_leave_their_folder(video_id: str) -> None:
    with pytest.raises(OutOfLimits, match=r"outputs is '\.' or '\.\.', expected a name") as caught:
        check_names("a", output_names(video_id).values())
    assert caught.value.code == "unsafe_name"


@pytest.mark.parametrize("video_id", ["a..b", ".hidden", "a/...", "2434635255"])
def test_dots_inside_of_a_name_are_harmless(video_id: str) -> None:
    check_names("a", output_names(video_id).values())
