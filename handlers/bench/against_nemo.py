"""One hour of MP3 on the CPU: the engine against NeMo's own ways."""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from handlers.bench.options import Options
from handlers.bench.report import Bound, Figure, figure
from handlers.bench.sides import Remote, in_turns, remote
from handlers.bench.sounds import Sound, long_file

CUT_S, CUT_BATCH = 30.0, 16
FASTER_THAN_WHOLE = Bound(1.5)
SHARE_OF_MEMORY = Bound(1 / 3, is_most=True)
SPEED_OF_READY_CUTS = Bound(0.8)


def one_hour(options: Options, folder: Path) -> list[Figure]:
    """Speed and memory against one call for the whole file, and speed against ready cuts.

    Three processes take turns: ours hears the file from its bytes to its words; NeMo hears the same file in
    one call with local attention; NeMo hears 30 s pieces that were decoded and cut before its clock started.
    """
    sound = long_file(folder, 300.0 if options.is_quick else 3600.0)
    path = str(sound.path)
    with ExitStack() as stack:
        our_side, whole, ready = (stack.enter_context(side) for side in _sides(options))
        pieces = ready.call("cut", path=path, cut_s=CUT_S)
        columns = in_turns(
            options.rounds,
            lambda: our_side.call("hear", paths=[path]),
            lambda: whole.call("whole", path=path),
            lambda: ready.call("arrays", path=path, cut_s=CUT_S, batch_size=CUT_BATCH),
        )
        about = _loading(our_side)
    return _figures(sound, pieces, columns, about)


def _sides(options: Options) -> list[AbstractContextManager[Remote]]:
    threads, model = options.threads, options.model
    return [
        remote("ours", threads=threads, model=model, options={"device": "cpu"}),
        remote("nemo", threads=threads, model=model, on="cpu", thread_count=threads, is_local=True),
        remote("nemo", threads=threads, model=model, on="cpu", thread_count=threads),
    ]


def _loading(side: Remote) -> dict[str, Any]:
    loaded = side.call("loading")
    return {name: loaded[name] for name in ("sizes_s", "most", "workers")}


def _figures(
    sound: Sound, pieces: int, columns: list[list[dict[str, Any]]], about: dict[str, Any]
) -> list[Figure]:
    ours, whole, ready = columns
    against_whole = [plain["wall_s"] / own["wall_s"] for own, plain in zip(ours, whole, strict=True)]
    against_ready = [plain["wall_s"] / own["wall_s"] for own, plain in zip(ours, ready, strict=True)]
    memory = [own["peak_bytes"] / plain["peak_bytes"] for own, plain in zip(ours, whole, strict=True)]
    minutes = f"{sound.duration_s / 60:g} min of MP3"
    return [
        figure(
            f"{minutes}, speed against NeMo's transcribe([path], timestamps=True), local attention",
            against_whole,
            "times",
            FASTER_THAN_WHOLE,
            {
                "our rtfx": [sound.duration_s / own["wall_s"] for own in ours],
                "NeMo's rtfx": [sound.duration_s / plain["wall_s"] for plain in whole],
                "words, ours and NeMo's": (ours[-1]["words"], whole[-1]["words"]),
                "our batches": {name: ours[-1][name] for name in ("fill", "padding", "busy_share")},
                "our limits": about,
            },
        ),
        figure(
            f"{minutes}, peak memory as a share of the same NeMo's",
            memory,
            "of it",
            SHARE_OF_MEMORY,
            {
                "our peak, MB": [own["peak_bytes"] / 1e6 for own in ours],
                "NeMo's peak, MB": [plain["peak_bytes"] / 1e6 for plain in whole],
                "of these, NeMo's process with the model, before any audio, MB": whole[-1]["rest_bytes"]
                / 1e6,
            },
        ),
        figure(
            f"{minutes}, speed against NeMo given {pieces} ready cuts of {CUT_S:g} s, batch {CUT_BATCH}",
            against_ready,
            "times",
            SPEED_OF_READY_CUTS,
            {
                "NeMo's rtfx": [sound.duration_s / plain["wall_s"] for plain in ready],
                "NeMo's words": ready[-1]["words"],
            },
        ),
    ]
