import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from handlers.bench.sides import ROOT

pytestmark = [pytest.mark.full, pytest.mark.asr]


def bench(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "handlers.bench", *arguments, "--quick", "--json", "--device", "cpu"]
    done = subprocess.run(
        [*command, "--out", str(folder)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=550
    )
    assert done.returncode == 0, done.stderr
    body: dict[str, Any] = json.loads(done.stdout)
    (written,) = folder.glob("*.json")
    assert json.loads(written.read_text()) == body
    return body


@pytest.mark.timeout(600)
def test_all_figures_of_a_gpu_can_be_taken_by_one_command_tried_on_the_cpu(tmp_path: Path) -> None:
    body = bench(tmp_path, "gpu", "--model", "random:tiny")
    names = " | ".join(figure["name"] for figure in body["figures"])
    assert not body["failures"]
    for part in ("end to end", "NeMo", "busy", "memory of a batch", "files of 20 to 40 s", "graphs off"):
        assert part in names
    for part in ("sdpa off", "compile on", "batches of at most", "loading time"):
        assert part in names
    assert all(figure["value"] == figure["value"] for figure in body["figures"])


@pytest.mark.timeout(600)
def test_the_engine_is_measured_against_nemo_in_one_run_with_plots(tmp_path: Path) -> None:
    body = bench(tmp_path, "engine", "--only", "one hour against NeMo", "--only", "window length")
    assert not body["failures"]
    assert sum("NeMo" in figure["name"] for figure in body["figures"]) == 3
    assert (tmp_path / "window-length.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.timeout(600)
def test_decoding_is_measured_in_every_format(tmp_path: Path) -> None:
    body = bench(tmp_path, "decode")
    assert not body["failures"]
    assert len(body["figures"]) >= 9
