"""Time and memory that a model takes on its way into memory: a prepared folder against restore_from.

Every load has a process of its own, since memory once taken is seldom given back, and both ways take turns.

    python -m handlers.bench.coldstart random:tiny
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from core.memory import Precision
from infra import models
from infra.quiet import quiet

FIRST_WINDOW_S = 10
MAKE_S, LOAD_S = 1800, 900


@dataclass(frozen=True, slots=True)
class Load:
    """One load in a process of its own.

    Args:
        imports_s: for torch and NeMo.
        imports_mb: resident after these.
        load_s: from there until the model stands.
        load_peak_mb: the highest resident set while loading, above that after the imports.
        first_s: for the first window of 10 s, which touches every weight.
        first_peak_mb: the highest resident set until then, above that after the imports. A prepared folder's
            weights are pages of its file, which the system may drop again.
    """

    imports_s: float
    imports_mb: float
    load_s: float
    load_peak_mb: float
    first_s: float
    first_peak_mb: float


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Both ways of loading the same weights."""

    model: str
    precision: Precision
    nemo_file_mb: float
    folder_mb: float
    restored: tuple[Load, ...]
    prepared: tuple[Load, ...]

    def median(self, way: Literal["restored", "prepared"]) -> Load:
        """Field by field."""
        loads: tuple[Load, ...] = getattr(self, way)
        rows = [asdict(load) for load in loads]
        return Load(**{key: statistics.median(row[key] for row in rows) for key in rows[0]})

    @property
    def time_share(self) -> float:
        """Loading time of the folder, as a share of restore_from's: the aim is a third."""
        return self.median("prepared").load_s / self.median("restored").load_s

    @property
    def peak_share(self) -> float:
        """Peak memory of loading the folder, as a share of restore_from's: the aim is a third."""
        return self.median("prepared").load_peak_mb / self.median("restored").load_peak_mb


def measure(model: str = "random:0.6b", precision: Precision = "fp32", rounds: int = 5) -> ColdStart:
    """Load a model both ways, with the files in the page cache.

    Writes about twice the model's size below the system's temporary folder, and takes it away again.

    Raises:
        subprocess.CalledProcessError: a load failed; its own words went to stderr.
    """
    with tempfile.TemporaryDirectory(prefix="klipscribe-coldstart-") as scratch:
        folder = Path(scratch) / "prepared"
        file = Path(model) if model.endswith(".nemo") else Path(scratch) / "model.nemo"
        if not file.exists():
            _child("write", model, str(file), limit_s=MAKE_S)
        _child("prepare", str(file), str(folder), precision, limit_s=MAKE_S)
        restored, prepared = [], []
        for _ in range(rounds):
            restored.append(_load(file, "fp32"))
            prepared.append(_load(folder, precision))
        weights_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        return ColdStart(
            model, precision, file.stat().st_size / 1e6, weights_mb, tuple(restored), tuple(prepared)
        )


def load_here(name_or_path: str, precision: Precision) -> Load:
    """Load a model in this process, which should have done nothing yet, and hear one window with it."""
    began_s = time.perf_counter()
    with quiet():
        import safetensors.torch
        import torch
        from nemo.collections.asr.models import ASRModel

        _ = safetensors.torch, torch, ASRModel
    imported_s = time.perf_counter()
    imports_mb = _resident_mb("VmRSS")
    _forget_peak()
    model = models.assemble(name_or_path, precision)
    loaded_s, load_peak_mb = time.perf_counter(), _resident_mb("VmHWM")
    _hear(model)
    return Load(
        imports_s=imported_s - began_s,
        imports_mb=imports_mb,
        load_s=loaded_s - imported_s,
        load_peak_mb=load_peak_mb - imports_mb,
        first_s=time.perf_counter() - loaded_s,
        first_peak_mb=_resident_mb("VmHWM") - imports_mb,
    )


def _load(path: Path, precision: Precision) -> Load:
    _warm(path)
    return Load(**json.loads(_child("load", str(path), precision, limit_s=LOAD_S).splitlines()[-1]))


def _warm(path: Path) -> None:
    """Bring a file, or the files of a folder, into the page cache."""
    for file in path.iterdir() if path.is_dir() else [path]:
        models.read_through(file)


def _hear(model: Any) -> None:
    import torch

    dtype = next(model.encoder.parameters()).dtype
    with torch.inference_mode():
        audio, length = torch.zeros(1, FIRST_WINDOW_S * 16_000), torch.tensor([FIRST_WINDOW_S * 16_000])
        features, length = model.preprocessor(input_signal=audio, length=length)
        model.encoder(audio_signal=features.to(dtype), length=length)


def _resident_mb(which: Literal["VmRSS", "VmHWM"]) -> float:
    """Resident set of this process, now or at its highest.

    Not getrusage's: a child starts with its parent's peak there.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(which):
            return float(line.split()[1]) * 1024 / 1e6
    raise LookupError(f"/proc/self/status has no {which}")


def _forget_peak() -> None:
    """Let the highest resident set count from now on, where the kernel allows it."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _child(*arguments: str, limit_s: float) -> str:
    command = [sys.executable, "-m", "handlers.bench.coldstart", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=limit_s).stdout


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: Sequence[str]) -> None:
    """Be a child process, or measure the model that is named and print what came out."""
    match arguments:
        case ["load", path, ("bf16" | "fp32") as precision]:
            _say(json.dumps(asdict(load_here(path, precision))))
        case ["write", name, path]:
            with quiet():
                models.assemble(name, "fp32").save_to(path)
        case ["prepare", path, folder, ("bf16" | "fp32") as precision]:
            models.prepare(path, Path(folder), precision)
        case [name, *rest]:
            found = measure(name, rounds=int(rest[0]) if rest else 5)
            _say(json.dumps({way: asdict(found.median(way)) for way in ("restored", "prepared")}, indent=1))
            _say(f"load: time {found.time_share:.2f}, peak {found.peak_share:.2f} of restore_from's")
        case _:
            raise SystemExit("usage: python -m handlers.bench.coldstart MODEL [ROUNDS]")


if __name__ == "__main__":
    main(sys.argv[1:])
