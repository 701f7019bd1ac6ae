"""Files of a transcript in a folder of this machine: all of them or none, never a half-written one."""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock

_replacing = Lock()


def place(folder: Path, files: Mapping[str, bytes], check: Callable[[], None]) -> dict[str, Path]:
    """Write files by name, next to their places first and then into them.

    Args:
        folder: made when it is not there.
        files: bytes by file name.
        check: raises when the files are not wanted any more; asked last before the first becomes visible.

    Raises:
        OSError: the disk refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex
    drafts = {folder / name: folder / f".{name}.{mark}" for name in files}
    try:
        for draft, data in zip(drafts.values(), files.values(), strict=True):
            draft.write_bytes(data)
        # One after the other, so that two results of one video don't mix.
        with _replacing:
            check()
            for path, draft in drafts.items():
                draft.replace(path)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return {path.name: path for path in drafts}
