"""What the machine says of decoder processes."""

import os
import select
from pathlib import Path


def decoders(parent: int | None = None) -> list[int]:
    """Decoder processes of a process, this one by default, by their ids."""
    wanted = parent or os.getpid()
    running = (int(place.name) for place in Path("/proc").iterdir() if place.name.isdigit())
    return sorted(pid for pid in running if _is_decoder(pid, wanted))


def _is_decoder(pid: int, parent: int) -> bool:
    try:
        about, command = Path(f"/proc/{pid}/stat").read_text(), Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(about.rpartition(")")[2].split()[1]) == parent and b"infra.audio_worker" in command


def await_end(pid: int, timeout_s: float = 30.0) -> bool:
    """Whether a process, of whomever, has ended in time."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], timeout_s)[0])
    finally:
        os.close(fd)
