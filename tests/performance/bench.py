"""Measures the decoder and the engine on this machine, each against a plain way of doing the same.

    make bench

Both sides of a ratio run in one process, taking turns, and the median of the rounds counts.
"""

import io
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from core.audio import AudioObject, AudioSource
from core.ports import SAMPLE_RATE_HZ
from core.wer import compare
from core.windowed import WindowedEngine
from core.windows import WindowSpec
from infra.audio import PyAvReader
from infra.clock import SystemClock
from infra.local.memory import MemoryStore
from infra.local.samples import TINY_MODEL
from infra.parakeet import ParakeetRecognizer
from tests.recordings import Recording, five_minutes, forty_five_minutes

ROUNDS = 3
SPEC = WindowSpec(30.0, 4.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison."""

    what: str
    ours_s: float
    plain_s: float
    audio_s: float

    def cells(self) -> Sequence[str]:
        ours, plain = self.audio_s / self.ours_s, self.audio_s / self.plain_s
        return self.what, f"{ours:.0f}", f"{plain:.0f}", f"{self.plain_s / self.ours_s:.2f}"


def main() -> None:
    """Run all, print a table on standard output."""
    with tempfile.TemporaryDirectory() as folder:
        long = forty_five_minutes(Path(folder))
        model = ParakeetRecognizer(str(TINY_MODEL), "cpu")
        model.load()
        rows = [decode_in_a_stream(long), batches_against_single_windows(model), long_against_whole(model)]
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        accuracy = [heard_right(five_minutes(), model), heard_right(long, model)]
    console = Console(file=sys.stdout, width=110)
    table = Table("measured", "ours, rtfx", "plain, rtfx", "ratio", title=f"{platform.processor() or 'CPU'}")
    for row in rows:
        table.add_row(*row.cells())
    console.print(table)
    console.print(f"peak memory of the whole run, model included: {peak_mb:.0f} MB")
    for line in accuracy:
        console.print(line)


def decode_in_a_stream(recording: Recording) -> Row:
    """Our reader against keeping every frame at the file's own rate and resampling at the end."""
    reader, source = PyAvReader(), source_of(recording.path)
    ours, plain = in_turns(
        lambda: sum(len(block) for block in reader.samples(source)), lambda: len(whole_file(recording.path))
    )
    return Row("decode 45 min of MP3 (plain: whole file in memory)", ours, plain, recording.duration_s)


def batches_against_single_windows(model: ParakeetRecognizer) -> Row:
    """Batches of eight windows against one window at a time."""
    recording = five_minutes()
    ours, plain = in_turns(lambda: hear(recording, model, SPEC, 8), lambda: hear(recording, model, SPEC, 1))
    return Row("5 min in batches of 8 windows (plain: of 1)", ours, plain, recording.duration_s)


def long_against_whole(model: ParakeetRecognizer) -> Row:
    """Windows of 30 s against the five minutes as one window."""
    recording = five_minutes()
    whole = WindowSpec(recording.duration_s + 1, 0.0)
    ours, plain = in_turns(lambda: hear(recording, model, SPEC, 8), lambda: hear(recording, model, whole, 1))
    return Row("5 min in windows of 30 s (plain: one window)", ours, plain, recording.duration_s)


def heard_right(recording: Recording, model: ParakeetRecognizer) -> str:
    """Word errors and errors of time."""
    engine = WindowedEngine(PyAvReader(), model, SPEC, 8)
    source = source_of(recording.path)
    found = compare(recording.words, engine.transcribe(source, PyAvReader().probe(source)).words)
    return (
        f"{recording.path.name}: {len(recording.words)} words, WER {found.errors.rate:.2%}, "
        f"starts {1000 * (found.start_error_s or 0):.0f} ms, ends {1000 * (found.end_error_s or 0):.0f} ms"
    )


def hear(recording: Recording, model: ParakeetRecognizer, spec: WindowSpec, batch_size: int) -> None:
    source = source_of(recording.path)
    WindowedEngine(PyAvReader(), model, spec, batch_size).transcribe(source, PyAvReader().probe(source))


def in_turns(ours: Callable[[], object], plain: Callable[[], object]) -> tuple[float, float]:
    """Medians of both, in seconds; the first round warms up and does not count."""
    rounds = [(timed(ours), timed(plain)) for _ in range(ROUNDS + 1)][1:]
    return statistics.median(a for a, _ in rounds), statistics.median(b for _, b in rounds)


def timed(work: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    work()
    return time.perf_counter() - begun_s


def source_of(path: Path) -> AudioSource:
    store = MemoryStore(SystemClock())
    about = store.link("audio", path.name, path, {})
    return AudioSource(AudioObject("audio", path.name, about.generation, about.size_bytes), store)


def whole_file(path: Path) -> NDArray[np.float32]:
    """All frames first, then one resampling by interpolation: what a script does that does not stream."""
    with av.open(io.BytesIO(path.read_bytes()), "r") as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    sound = np.concatenate(frames)
    at = np.arange(len(sound) * SAMPLE_RATE_HZ // rate) * (rate / SAMPLE_RATE_HZ)
    resampled: NDArray[np.float32] = np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
    return resampled


if __name__ == "__main__":
    main()
