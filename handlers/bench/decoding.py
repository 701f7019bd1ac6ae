"""From a file to samples: by format, by number of processes, and against a plain way."""

import io
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from core.ports import SAMPLE_RATE_HZ
from handlers.bench.options import Options
from handlers.bench.report import Figure, figure
from handlers.bench.sides import in_turns
from handlers.bench.sounds import FORMATS, PHONE, Format, Sound, long_file, source_of
from infra.audio_processes import ProcessReader


def decode(options: Options, folder: Path) -> list[Figure]:
    """All formats with all cores, then the first user's format by processes and against the plain way."""
    seconds = 60.0 if options.is_quick else 3600.0
    figures = [_format(options, name, long_file(folder, seconds, form)) for name, form in FORMATS.items()]
    return [*figures, *_processes(options, folder, seconds), _plain(options, folder, seconds, PHONE)]


def _format(options: Options, name: str, sound: Sound) -> Figure:
    (times,) = in_turns(options.rounds, lambda: _streamed_s(sound, options.threads))
    return figure(
        f"decode {_minutes(sound)} of {name}, {options.threads} processes", _rtfx(sound, times), "rtfx"
    )


def _processes(options: Options, folder: Path, seconds: float) -> list[Figure]:
    sound = long_file(folder, seconds, FORMATS["MP3 44.1 kHz stereo 128 kbit/s"])
    counts = sorted({1, 2, 4, 8, options.threads} & set(range(1, options.threads + 1)))
    columns = in_turns(options.rounds, *(_streaming(sound, count) for count in counts))
    return [
        figure(
            f"decode {_minutes(sound)} of MP3 44.1 kHz stereo 128 kbit/s, processes: {count}",
            _rtfx(sound, times),
            "rtfx",
        )
        for count, times in zip(counts, columns, strict=True)
    ]


def _plain(options: Options, folder: Path, seconds: float, form: Format) -> Figure:
    sound = long_file(folder, seconds, form)
    ours, plain = in_turns(
        options.rounds,
        lambda: _streamed_s(sound, options.threads),
        lambda: _timed(lambda: whole_file(sound.path)),
    )
    return figure(
        f"decode {_minutes(sound)} of MP3 8 kHz, speed against keeping every frame and resampling at the end",
        [slow / quick for quick, slow in zip(ours, plain, strict=True)],
        "times",
        details={"our rtfx": _rtfx(sound, ours), "plain rtfx": _rtfx(sound, plain)},
    )


def whole_file(path: Path) -> NDArray[np.float32]:
    """All frames first, then one resampling by interpolation: what a script does that does not stream."""
    with av.open(io.BytesIO(path.read_bytes()), "r") as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    sound = np.concatenate(frames)
    at = np.arange(len(sound) * SAMPLE_RATE_HZ // rate) * (rate / SAMPLE_RATE_HZ)
    resampled: NDArray[np.float32] = np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
    return resampled


def _streaming(sound: Sound, processes: int) -> Callable[[], float]:
    return lambda: _streamed_s(sound, processes)


def _streamed_s(sound: Sound, processes: int) -> float:
    source = source_of(sound.path)
    with closing(ProcessReader(processes, per_file=processes)) as reader:
        return _timed(lambda: sum(len(block.samples) for block in reader.blocks(source)))


def _timed(work: Callable[[], object]) -> float:
    begun_s = time.perf_counter()
    work()
    return time.perf_counter() - begun_s


def _rtfx(sound: Sound, times: list[float]) -> list[float]:
    return [sound.duration_s / wall_s for wall_s in times]


def _minutes(sound: Sound) -> str:
    return f"{sound.duration_s / 60:g} min"
