"""The runs of `bench`, each a list of steps that stand for themselves."""

import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from handlers.bench import cold, gpu, machine
from handlers.bench.against_nemo import one_hour
from handlers.bench.decoding import decode
from handlers.bench.on_our_own import accuracy, files_together, longest_file, overhead
from handlers.bench.options import Options
from handlers.bench.plots import plot_all
from handlers.bench.report import Figure, Report
from handlers.bench.sides import SideFailed
from handlers.bench.sweeps import batch_sizes, files_in_flight, window_lengths
from infra.random_model import is_name

Step = Callable[[Options, Path], list[Figure]]

SWEEPS: Mapping[str, Step] = MappingProxyType(
    {"window length": window_lengths, "batch size": batch_sizes, "files in flight": files_in_flight}
)
RUNS: Mapping[str, Mapping[str, Step]] = MappingProxyType(
    {
        "engine": MappingProxyType(
            {
                "one hour against NeMo": one_hour,
                "files together": files_together,
                "memory by length": longest_file,
                "overhead": overhead,
                "accuracy": accuracy,
                **SWEEPS,
            }
        ),
        "decode": MappingProxyType({"decode": decode}),
        "coldstart": MappingProxyType({"coldstart": cold.start}),
    }
)
NAMES = (*RUNS, "gpu")


def run(name: str, options: Options, *, as_json: bool, only: Sequence[str] = ()) -> Report:
    """Run one of NAMES: lines as they come; with as_json these go to stderr, and JSON to stdout at the end.

    Args:
        name: of the run.
        options: of the run.
        as_json: whether stdout gets JSON.
        only: the steps to run, by name; none for all of them.
    """
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    about = machine.about(_command(name, options, only), options.threads)
    path = options.folder / f"{_file_name(name, only)}.json" if options.folder else None
    report = Report({**about, "model": Path(options.model).name}, sys.stderr if as_json else sys.stdout, path)
    with tempfile.TemporaryDirectory(prefix="klipscribe-bench-") as scratch:
        if name == "gpu":
            gpu.run(options, Path(scratch), report, only)
        else:
            _steps(RUNS[name], options, Path(scratch), report, only)
    if as_json:
        sys.stdout.write(json.dumps(report.body(), indent=1) + "\n")
    return report


def _steps(
    steps: Mapping[str, Step], options: Options, scratch: Path, report: Report, only: Sequence[str]
) -> None:
    swept: dict[str, list[Figure]] = {}
    for name, step in steps.items():
        if only and name not in only:
            continue
        if step is accuracy and is_name(options.model):
            report.fail(name, "random weights know no words")
            continue
        try:
            found = step(options, scratch)
        except SideFailed as error:
            report.fail(name, str(error))
            continue
        report.add(*found)
        if name in SWEEPS:
            swept[name] = found
    if options.folder:
        plot_all(options.folder, swept)


def _file_name(name: str, only: Sequence[str]) -> str:
    """Runs of single steps have files of their own."""
    return "-".join([name, *(step.replace(" ", "-") for step in only)])


def _command(name: str, options: Options, only: Sequence[str]) -> str:
    words = ["klipscribe bench", name, "--model", shlex.quote(Path(options.model).name)]
    words += ["--device", options.device, *(["--quick"] if options.is_quick else [])]
    words += [f"--only {shlex.quote(step)}" for step in only]
    return " ".join(words)
