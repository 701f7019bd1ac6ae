import io
import subprocess
import sys
from pathlib import Path

from handlers.bench import gpu
from handlers.bench.options import Options
from handlers.bench.report import Report
from handlers.bench.sides import ROOT

NOT_ON_A_BARE_MACHINE = (
    "google",
    "deepgram",
    "pydantic_settings",
    "functions_framework",
    "cloudevents",
    "rich",
    "typer",
)
IMPORT_ALL = """
import sys
for name in sys.argv[1:]:
    sys.modules[name] = None
import handlers.bench.__main__, handlers.bench.ours, handlers.bench.peer
"""


def test_without_time_every_step_says_so_and_nothing_is_started(tmp_path: Path) -> None:
    report = Report({}, io.StringIO(), tmp_path / "gpu.json")
    gpu.run(Options(budget_s=1.0), tmp_path, report)
    assert set(report.failures.values()) == {"no time was left for it"}
    assert len(report.failures) == len(gpu.steps(Options()))
    assert not report.figures


def test_the_path_of_the_bench_imports_nothing_that_a_bare_machine_lacks() -> None:
    command = [sys.executable, "-c", IMPORT_ALL, *NOT_ON_A_BARE_MACHINE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
