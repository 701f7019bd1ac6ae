"""`python -m handlers.bench engine`: the command line for machines that have the standard library alone."""

import argparse
import sys
from pathlib import Path

from handlers.bench import page
from handlers.bench.options import Options
from handlers.bench.runs import NAMES, run

DEFAULTS = Options()


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m handlers.bench", description=__doc__)
    parser.add_argument("name", choices=(*NAMES, "page"))
    parser.add_argument("--model", default="", help="a path, or random:0.6b, or random:tiny")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--json", action="store_true", help="JSON on stdout, lines on stderr")
    parser.add_argument("--quick", action="store_true", help="short audio: shows that all works")
    parser.add_argument("--out", type=Path, help="a folder for JSON and plots")
    parser.add_argument("--budget-s", type=float, default=DEFAULTS.budget_s, help="of gpu, in seconds")
    parser.add_argument("--only", action="append", default=[], help="run this step only; may be repeated")
    given = parser.parse_args()
    if given.name == "page":
        sys.stderr.write(f"{page.write(given.out or Path('bench-results'))}\n")
        return
    model = given.model or ("random:0.6b" if given.name == "gpu" else DEFAULTS.model)
    options = Options(model, given.device, given.quick, given.out, given.budget_s)
    run(given.name, options, as_json=given.json, only=given.only)


if __name__ == "__main__":
    main()
