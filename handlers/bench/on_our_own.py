"""The engine against itself: files together, long files, its overhead, its errors."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from handlers.bench.options import Options
from handlers.bench.report import Bound, Figure, figure
from handlers.bench.sides import Remote, in_turns, remote
from handlers.bench.sounds import Sound, long_file, short_files

FILES = 16
TOGETHER_ON_CPU, TOGETHER_ON_CUDA = Bound(1.5), Bound(6.0)
MEMORY_GROWTH_MB = Bound(200.0, is_most=True)
OVERHEAD = Bound(0.10, is_most=True)
MB = 1e6


def ours(
    options: Options, spec: Mapping[str, float] | None = None, **engine: Any
) -> AbstractContextManager[Remote]:
    """Our side; the engine chooses all that is not named."""
    return remote(
        "ours",
        threads=options.threads,
        model=options.model,
        options={"device": options.device, **engine},
        spec=spec,
    )


def files_together(options: Options, folder: Path) -> list[Figure]:
    """Files of 20 to 40 s from as many threads, against one after the other, through the same engine."""
    files = short_files(folder, 4 if options.is_quick else FILES)
    paths = [str(sound.path) for sound in files]
    with ours(options) as side:
        together, alone = in_turns(
            options.rounds,
            lambda: side.call("hear", paths=paths, together=True),
            lambda: side.call("hear", paths=paths, together=False),
        )
    ratios = [slow["wall_s"] / quick["wall_s"] for quick, slow in zip(together, alone, strict=True)]
    return [
        figure(
            f"{len(files)} files of 20 to 40 s together, speed against one after the other",
            ratios,
            "times",
            TOGETHER_ON_CUDA if "device" in together[-1] else TOGETHER_ON_CPU,
            {
                "rtfx together": [answer["rtfx"] for answer in together],
                "rtfx in turn": [answer["rtfx"] for answer in alone],
                "batch fill, together and in turn": (together[-1]["fill"], alone[-1]["fill"]),
            },
        )
    ]


def longest_file(options: Options, folder: Path) -> list[Figure]:
    """Peak memory of a process that hears a long file, against one that hears a short one."""
    short_s, long_s = (60.0, 600.0) if options.is_quick else (600.0, 6 * 3600.0)
    short, long = (_one_file(options, long_file(folder, seconds)) for seconds in (short_s, long_s))
    return [
        figure(
            f"peak memory, {long_s / 3600:g} h against {short_s / 60:g} min of MP3",
            [(long["peak_bytes"] - short["peak_bytes"]) / MB],
            "MB more",
            MEMORY_GROWTH_MB,
            {
                "peaks, MB": (short["peak_bytes"] / MB, long["peak_bytes"] / MB),
                "rtfx, short and long": (short["rtfx"], long["rtfx"]),
                "words": (short["words"], long["words"]),
            },
        )
    ]


def overhead(options: Options, folder: Path) -> list[Figure]:
    """What the engine adds to the model's own time, with audio that is decoded already, and with decoding."""
    path = str(long_file(folder, 120.0 if options.is_quick else 600.0).path)
    with ours(options) as side:
        (rounds,) = in_turns(options.rounds, lambda: side.call("overhead", path=path))
    bare = {"bare model, s": [one["bare_s"] for one in rounds], "batches": rounds[-1]["batches"]}
    return [
        figure(
            "engine over bare model, audio decoded before",
            [one["ready_s"] / one["bare_s"] - 1 for one in rounds],
            "more",
            OVERHEAD,
            {"engine, s": [one["ready_s"] for one in rounds], **bare},
        ),
        figure(
            "engine over bare model, decoding included",
            [one["decoding_s"] / one["bare_s"] - 1 for one in rounds],
            "more",
            details={"engine, s": [one["decoding_s"] for one in rounds], **bare},
        ),
    ]


def accuracy(options: Options, folder: Path) -> list[Figure]:
    """Word errors and errors of time, of five minutes and of an hour; for a model that knows the words."""
    sounds = [long_file(folder, seconds) for seconds in ((60.0,) if options.is_quick else (300.0, 3600.0))]
    with ours(options) as side:
        return [_errors(sound, side.call("accuracy", **_truth(sound))) for sound in sounds]


def _truth(sound: Sound) -> dict[str, Any]:
    return {
        "path": str(sound.path),
        "words": [(word.text, word.start_s, word.end_s) for word in sound.words],
    }


def _errors(sound: Sound, found: Mapping[str, Any]) -> Figure:
    return figure(
        f"{sound.duration_s / 60:g} min, word errors",
        [100 * found["wer"]],
        "%",
        details={
            "words": found["words"],
            "starts off by, ms": 1000 * (found["start_error_s"] or 0.0),
            "ends off by, ms": 1000 * (found["end_error_s"] or 0.0),
            "gaps": found["gaps"],
        },
    )


def _one_file(options: Options, sound: Sound) -> dict[str, Any]:
    with ours(options) as side:
        answer: dict[str, Any] = side.call("hear", paths=[str(sound.path)])
    return answer
