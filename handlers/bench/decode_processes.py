"""Files decoded at once: in this process, and in one or more of their own. A single file is shared out.

`python -m handlers.bench.decode_processes FILE FILE...` prints one line for each way.
"""

import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from core.audio import AudioObject, AudioSource
from core.ports import SAMPLE_RATE_HZ, AudioReader
from infra.audio import PyAvReader
from infra.audio_processes import ProcessReader
from infra.clock import SystemClock
from infra.local.memory import MemoryStore
from infra.local.samples import samples

TURNS = 5
NO_END_S = 3600.0


@dataclass(frozen=True, slots=True)
class Decoded:
    """One turn of one way.

    Args:
        processes: how many; 0 for this one.
        audio_s: seconds of all files together.
        wall_s: from the first file's start to the last one's end, processes being there already.
        cpu_s: of all processes, their starts included.
        own_cpu_s: of this process alone, which is what holds up whatever else runs in it.
    """

    processes: int
    audio_s: float
    wall_s: float
    cpu_s: float
    own_cpu_s: float

    @property
    def rtfx(self) -> float:
        """Audio seconds by wall seconds."""
        return self.audio_s / self.wall_s

    def __str__(self) -> str:
        way = f"processes: {self.processes}" if self.processes else "in this process"
        return (
            f"{way}: {self.wall_s:.2f} s, {self.rtfx:,.0f} x real time; "
            f"CPU {self.cpu_s:.2f} s, of which here {self.own_cpu_s:.2f} s"
        )


def decode_at_once(
    paths: Sequence[Path], processes: Sequence[int] = (0, 1, 2), turns: int = TURNS
) -> list[Decoded]:
    """The best turn, by wall time, of each number of processes; each file has a thread that reads it."""
    found = [_turn(count, paths) for _ in range(turns) for count in processes]
    return [
        min((one for one in found if one.processes == count), key=lambda one: one.wall_s)
        for count in processes
    ]


def _turn(processes: int, paths: Sequence[Path]) -> Decoded:
    own_s, others_s = _cpu_s(), _ended_cpu_s()
    sources = [_source(path) for path in paths]
    with ExitStack() as stack:
        reader: AudioReader = PyAvReader()
        if processes:
            # Without an end to its patience no file is decoded here.
            per_file = max(1, processes // len(sources))
            decoding = ProcessReader(processes, per_file=per_file, patience_s=NO_END_S)
            reader = stack.enter_context(closing(decoding))
            _start(reader, min(processes, per_file * len(sources)))
        pool = stack.enter_context(ThreadPoolExecutor(len(sources)))
        begun_s = time.perf_counter()
        audio_s = sum(pool.map(lambda source: _read_s(reader, source), sources))
        wall_s = time.perf_counter() - begun_s
    own_s = _cpu_s() - own_s
    return Decoded(processes, audio_s, wall_s, own_s + _ended_cpu_s() - others_s, own_s)


def _start(reader: AudioReader, files: int) -> None:
    """Start as many processes as that many files need, by a short one read in turns."""
    path = samples()[0].path
    for _ in zip_longest(*(reader.blocks(_source(path)) for _ in range(files))):
        pass


def _read_s(reader: AudioReader, source: AudioSource) -> float:
    return sum(len(block.samples) for block in reader.blocks(source)) / SAMPLE_RATE_HZ


def _source(path: Path) -> AudioSource:
    store = MemoryStore(SystemClock())
    about = store.link("audio", str(path), path, {})
    return AudioSource(AudioObject("audio", about.name, about.generation), store)


def _ended_cpu_s() -> float:
    """Of processes that were started here, and have ended."""
    return _cpu_s(resource.RUSAGE_CHILDREN)


def _cpu_s(whose: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for line in decode_at_once([Path(name) for name in sys.argv[1:]]):
        sys.stdout.write(f"{line}\n")
