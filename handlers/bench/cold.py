"""Cold start: what handlers.bench.coldstart measured, as figures."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.memory import Precision
from handlers.bench.options import Options
from handlers.bench.report import Bound, Figure, figure
from handlers.bench.sides import NO_LIMIT_S, remote

A_THIRD = Bound(1 / 3, is_most=True)


class Cold:
    """A side that starts processes which load a model; all of them end with it."""

    def measure(self, model: str, rounds: int) -> dict[str, Any]:
        """Load a model from a prepared folder and by restore_from, taking turns."""
        from handlers.bench.coldstart import measure

        found = measure(model, rounds=rounds)
        return {
            "time_share": found.time_share,
            "peak_share": found.peak_share,
            "prepared": asdict(found.median("prepared")),
            "restored": asdict(found.median("restored")),
            "sizes": {".nemo, MB": found.nemo_file_mb, "prepared folder, MB": found.folder_mb},
        }

    def prepare(self, model: str, folder: str, precision: Precision) -> None:
        """Write a prepared model, from which all later loads are quick."""
        from infra import models

        models.prepare(model, Path(folder), precision)


def start(options: Options, folder: Path, limit_s: float = NO_LIMIT_S) -> list[Figure]:  # noqa: ARG001 - the signature of all steps
    """Both ways, each load in its own process."""
    with remote("cold", threads=options.threads, limit_s=limit_s) as side:
        found = side.call("measure", model=options.model, rounds=1 if options.is_quick else 5)
    both = {"prepared": found["prepared"], "restored": found["restored"]}
    return [
        figure("loading time of a prepared model", [found["time_share"]], "of restore_from's", A_THIRD, both),
        figure(
            "loading peak of a prepared model",
            [found["peak_share"]],
            "of restore_from's",
            A_THIRD,
            found["sizes"],
        ),
    ]
