from pathlib import Path

import pytest

from handlers.output_folder import place

FILES = {"words.csv": b"words", "segments.csv": b"segments"}


def nothing() -> None:
    pass


def test_files_are_written_by_name_into_a_folder_that_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    placed = place(folder, FILES, nothing)
    assert placed == {name: folder / name for name in FILES}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES


def test_files_that_were_there_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("old")
    place(tmp_path, FILES, nothing)
    assert (tmp_path / "words.csv").read_bytes() == b"words"


def test_nothing_is_seen_when_the_files_are_not_wanted_any_more(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("old")

    def unwanted() -> None:
        assert len(list(tmp_path.iterdir())) == 3
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place(tmp_path, FILES, unwanted)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"words.csv": "old"}


def test_nothing_is_left_where_the_disk_refuses(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        place(tmp_path, {"words.csv": b"", "no/such/folder.csv": b""}, nothing)
    assert list(tmp_path.iterdir()) == []
