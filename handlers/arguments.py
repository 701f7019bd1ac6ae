"""What the command line checks before it starts anything: names that can't be used, or would meet."""

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from core.audio import AudioObject
from core.formats import output_names


class LeadsOutside(ValueError):
    """A name that would put a file outside of the folder it is meant for."""


def object_name(path: Path) -> str:
    """The file's name as an object may have it: in UTF-8, which names on a disk need not be."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def check_video_id(video_id: str | None, files: Sequence[Path]) -> None:
    """Refuse an id that names no video, or one that several files would share.

    Raises:
        typer.BadParameter: wrong usage.
    """
    if video_id is None:
        return
    if len(files) > 1:
        raise typer.BadParameter(f"--video-id names one video, and {len(files)} files are given, expected 1")
    if not _names_a_place_inside(video_id):
        raise typer.BadParameter(
            f"--video-id {video_id!r} can't name files, expected something like 2434635255 or talks/monday"
        )


def check_outputs(files: Sequence[Path], video_id: str | None = None) -> None:
    """Refuse files whose outputs would replace each other, or lie outside of their folder.

    Raises:
        typer.BadParameter: wrong usage.
    """
    seen: dict[str, Path] = {}
    for path in files:
        name = video_id or AudioObject("", object_name(path), 0).video_id
        if not _names_a_place_inside(name):
            raise typer.BadParameter(
                f"{path}: {name!r} can't name outputs; rename the file, or give --video-id"
            )
        if name in seen:
            raise typer.BadParameter(
                f"{seen[name]} and {path} would both become {output_names(name)['words']} and so on; "
                "rename one, or give each a run and a --video-id of its own"
            )
        seen[name] = path


def ready_folder(folder: Path) -> None:
    """Make the folder now: nobody should wait for a transcript that can't be written.

    Raises:
        typer.BadParameter: it can't be made, or not be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(
            f"--output-dir {folder} can't be made ({error.strerror}), expected a folder or a free name"
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise typer.BadParameter(f"--output-dir {folder} can't be written to, expected a folder that can")


def inside(folder: Path, name: str) -> Path:
    """Where an object of this name goes below a folder.

    Raises:
        LeadsOutside: the name leads out of it.
    """
    if not _names_a_place_inside(name):
        raise LeadsOutside(f"{name!r} leads out of {folder}, expected a plain name; nothing was written")
    return folder / name


def _names_a_place_inside(name: str) -> bool:
    return name.isprintable() and not {"", ".", ".."} & set(name.split("/"))
