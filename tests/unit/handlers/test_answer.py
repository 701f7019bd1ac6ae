"""What a caller of the in-process entry gets, and what it is told when it asked for nonsense."""

import csv
from pathlib import Path
from typing import Any

import pytest

from core.billing import Usage
from core.cost import Rates
from core.errors import EngineFailed, KlipscribeError, NotAudio, OutOfLimits, Rejected, Retryable
from handlers.answer import Answer, Asked, _method, answered
from handlers.call import Abandoned, Call
from tests.unit.handlers.test_in_process import VIDEO, Place

FOUR = {"paragraphs_file", "words_file", "segments_file", "transcript_json_file"}


def ask(place: Place, folder: Path, call: Call | None = None, **changes: Any) -> Answer:
    wanted: dict[str, Any] = {
        "settings": place.service._settings,
        "video_id": VIDEO,
        "audio": place.path,
        "kept": folder / "kept",
        "folder": folder / "out",
        **changes,
    }
    return answered(Asked(**wanted), lambda: place.service, call or Call())


def test_the_four_files_that_the_pipeline_reads_are_paths_in_the_folder_with_subtitles_beside(
    tmp_path: Path,
) -> None:
    answer = ask(Place(tmp_path), tmp_path)
    assert set(answer.files) == FOUR
    assert all(type(path) is type(tmp_path) and path.is_file() for path in answer.files.values())
    assert {path.name.removeprefix(f"audio_{VIDEO}") for path in (tmp_path / "out").iterdir()} == {
        "_words.csv",
        "_paragraphs.csv",
        "_segments.csv",
        "_transcript.json",
        ".srt",
        ".vtt",
    }


def test_the_metadata_is_that_of_parakeet_where_it_ran(tmp_path: Path) -> None:
    answer = ask(Place(tmp_path), tmp_path)
    assert answer.metadata == {
        "method_used": "parakeet",
        "model_name": "parakeet-fake",
        "gpu_used": True,
        "duration_seconds": 60.0,
        "processing_time_seconds": pytest.approx(0, abs=5),
        "cost_estimate": pytest.approx(0, abs=0.01),
        "words_count": 3,
        "segments_count": 1,
    }
    with answer.files["segments_file"].open(newline="") as file:
        assert len(list(csv.DictReader(file))) == answer.metadata["segments_count"]


def test_after_a_fallback_the_metadata_is_deepgrams(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.parakeet.failures = [EngineFailed("broken", deterministic=True)]
    found = ask(place, tmp_path).metadata
    assert (found["method_used"], found["model_name"], found["gpu_used"]) == (
        "deepgram",
        "deepgram-fake",
        False,
    )
    failed_usd = place.parakeet.takes_s * Rates().gpu_usd_per_s
    assert found["cost_estimate"] == pytest.approx(0.0045 + failed_usd, abs=1e-7)


@pytest.mark.parametrize(
    ("usages", "method"),
    [
        ([Usage("parakeet", "m", heard_s=9)], "parakeet"),
        ([Usage("parakeet_cpu", "m", heard_s=9)], "parakeet"),
        ([Usage("parakeet", "m"), Usage("parakeet_cpu", "m", heard_s=9)], "parakeet"),
        ([Usage("parakeet", "m"), Usage("deepgram", "m", heard_s=9)], "deepgram"),
        ([Usage("parakeet", "m", heard_s=5), Usage("deepgram", "m", heard_s=4)], "hybrid"),
    ],
)
def test_the_method_is_that_of_who_was_heard_and_not_of_who_was_chosen(
    usages: list[Usage], method: str
) -> None:
    assert _method(usages) == method


@pytest.mark.parametrize("video_id", ["", ".", "..", "a/b", "../7", "7\n"])
def test_an_id_that_can_not_name_files_is_refused_before_anything_is_heard(
    tmp_path: Path, video_id: str
) -> None:
    place = Place(tmp_path)
    with pytest.raises(OutOfLimits) as refused:
        ask(place, tmp_path, video_id=video_id)
    assert (refused.value.code, place.heard) == ("unsafe_name", (0, 0))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"gone\.mp3: found nothing, expected an audio file"):
        ask(Place(tmp_path), tmp_path, audio=tmp_path / "gone.mp3")
    with pytest.raises(Rejected, match="found something else"):
        ask(Place(tmp_path), tmp_path, audio=tmp_path)


def test_without_a_path_the_audio_is_taken_from_where_the_pipeline_keeps_it(tmp_path: Path) -> None:
    place, kept = Place(tmp_path), tmp_path / "kept"
    kept.mkdir()
    (kept / f"audio_{VIDEO}.wav").write_bytes(b"audio")
    assert ask(place, tmp_path, audio=None).metadata["words_count"] == 3


def test_without_a_path_and_without_a_file_there_both_ways_are_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"no audio_file_path is given.*BASE_DIR") as refused:
        ask(Place(tmp_path), tmp_path, audio=None)
    assert f"{tmp_path}/kept/audio_{VIDEO} with one of .mp3 .wav" in str(refused.value)


def test_a_file_with_an_unknown_ending_is_no_audio(tmp_path: Path) -> None:
    place = Place(tmp_path)
    video = tmp_path / "7.mp4"
    video.write_bytes(b"video")
    with pytest.raises(NotAudio, match=r"7\.mp4: unknown extension"):
        ask(place, tmp_path, audio=video)


def test_a_folder_that_can_not_be_made_is_told_before_anything_is_heard(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(Retryable, match=f"{tmp_path}/out: ") as failed:
        ask(place, tmp_path)
    assert (failed.value.code, place.heard) == ("storage_unavailable", (0, 0))


def test_no_file_is_written_for_a_call_that_was_abandoned_while_it_was_heard(tmp_path: Path) -> None:
    place, call = Place(tmp_path), Call()
    place.parakeet.meanwhile = call.abandoned.set
    with pytest.raises(Abandoned):
        ask(place, tmp_path, call)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failure_leaves_files_of_an_earlier_success_alone(tmp_path: Path) -> None:
    place = Place(tmp_path, ENABLE_FALLBACK="false")
    before = ask(place, tmp_path).files["words_file"].read_bytes()
    place.parakeet.failures = [EngineFailed("broken", deterministic=True)]
    with pytest.raises(KlipscribeError):
        ask(place, tmp_path)
    assert (tmp_path / "out" / f"audio_{VIDEO}_words.csv").read_bytes() == before
