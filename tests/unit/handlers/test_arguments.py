from pathlib import Path

import pytest
import typer

from handlers.arguments import LeadsOutside, check_outputs, check_video_id, inside, object_name, ready_folder

OUTSIDE = ["", ".", "..", "../evil", "a/../../b", "/etc/cron.d/x", "a//b", "a/", "line\nbreak"]


@pytest.mark.parametrize("video_id", OUTSIDE)
def test_an_id_that_leads_out_of_the_folder_or_names_nothing_is_refused(
    video_id: str, tmp_path: Path
) -> None:
    with pytest.raises(typer.BadParameter, match="can't name files"):
        check_video_id(video_id, [Path("talk.mp3")])
    with pytest.raises(LeadsOutside):
        inside(tmp_path, video_id)


@pytest.mark.parametrize("video_id", [None, "2434635255", "talks/monday", "..hidden", "a b"])
def test_an_id_that_names_a_place_below_is_taken(video_id: str | None, tmp_path: Path) -> None:
    check_video_id(video_id, [Path("talk.mp3")])
    assert inside(tmp_path, video_id or "x").is_relative_to(tmp_path)


def test_a_file_whose_name_makes_an_id_that_leads_outside_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match=r"'\.\.' can't name outputs"):
        check_outputs([Path("...flac")])
    check_outputs([Path("...flac")], "7")


@pytest.mark.parametrize("second", ["b/talk.mp3", "b/talk.flac", "a/talk.mp3"])
def test_files_whose_outputs_would_replace_each_other_are_refused_by_name(second: str) -> None:
    with pytest.raises(typer.BadParameter, match=r"a/talk\.mp3 and .*talk/audio_talk_words\.csv"):
        check_outputs([Path("a/talk.mp3"), Path("other.mp3"), Path(second)])


def test_files_with_outputs_of_their_own_are_taken() -> None:
    check_outputs([Path("a/talk.mp3"), Path("a/talk2.mp3")])


def test_a_name_that_is_not_utf8_gets_one_that_is() -> None:
    assert object_name(Path("a/b\udcff é.mp3")) == "b\ufffd é.mp3"


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    ready_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
