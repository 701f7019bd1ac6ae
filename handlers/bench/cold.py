"""Cold start: what handlers.bench.coldstart measured, as figures."""

from dataclasses import asdict
from pathlib import Path

from handlers.bench.coldstart import measure
from handlers.bench.options import Options
from handlers.bench.report import Bound, Figure, figure

A_THIRD = Bound(1 / 3, is_most=True)


def start(options: Options, folder: Path) -> list[Figure]:  # noqa: ARG001 - the signature of all steps
    """Load a model from a prepared folder and by restore_from, taking turns, each in its own process."""
    found = measure(options.model, rounds=1 if options.is_quick else 5)
    both = {"prepared": asdict(found.median("prepared")), "restored": asdict(found.median("restored"))}
    sizes = {".nemo, MB": found.nemo_file_mb, "prepared folder, MB": found.folder_mb}
    return [
        figure("loading time of a prepared model", [found.time_share], "of restore_from's", A_THIRD, both),
        figure("loading peak of a prepared model", [found.peak_share], "of restore_from's", A_THIRD, sizes),
    ]
