"""What a prepared model's folder says of itself."""

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, get_args

from core.errors import EngineFailed
from core.memory import Precision

MANIFEST = "klipscribe-model.json"
CONFIG = "model_config.yaml"
WEIGHTS = "weights.safetensors"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the folder."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was prepared, with what, and every file of it but the manifest.

    Args:
        name: of the model, as it was asked for.
        precision: in which the encoder's weights are stored.
        nemo: the version that wrote the configuration; another one may build other modules from it.
        files: by their names.
    """

    name: str
    precision: Precision
    nemo: str
    files: dict[str, Stored]

    def to_json(self) -> str:
        """The manifest as its file holds it."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"


def read(folder: Path) -> Manifest:
    """The manifest of a folder whose files are all there, in their full length.

    The sums are not compared: that reads 2.5 GB. `differing` does it.

    Raises:
        EngineFailed: engine_model_unavailable.
    """
    try:
        values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest = _parsed(folder, values)
    except OSError as error:
        raise unusable(folder, f"holds no {MANIFEST} that can be read") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise unusable(folder, f"holds a {MANIFEST} that makes no sense") from error
    if manifest.nemo != nemo_version():
        raise unusable(folder, f"was made with NeMo {manifest.nemo}, and {nemo_version()} is installed")
    for name in sorted({*manifest.files, CONFIG, WEIGHTS}):
        _check_length(folder, manifest, name)
    return manifest


def differing(folder: Path, manifest: Manifest) -> list[str]:
    """Names of the files whose bytes are not those that were written."""
    return [name for name, stored in manifest.files.items() if digest(folder / name) != stored]


def digest(path: Path) -> Stored:
    """Length and sum of a file."""
    with path.open("rb") as file:
        return Stored(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def nemo_version() -> str:
    """Of the installed NeMo, without importing it; empty where there is none."""
    try:
        return version("nemo_toolkit")
    except PackageNotFoundError:
        return ""


def unusable(folder: Path, why: str) -> EngineFailed:
    """The error for a folder that can't be opened: it stays as it is until somebody prepares it anew."""
    return EngineFailed(
        f"the prepared model in {folder} {why}; make it again with "
        f"klipscribe model prepare NAME_OR_PATH {folder}, or set PARAKEET_MODEL_NAME to a .nemo file",
        code="engine_model_unavailable",
        deterministic=True,
    )


def _parsed(folder: Path, values: dict[str, Any]) -> Manifest:
    if values["format"] != FORMAT:
        raise unusable(folder, f"has the format {values['format']}, expected {FORMAT}")
    if values["precision"] not in get_args(Precision):
        raise ValueError(values["precision"])
    files = {name: Stored(**stored) for name, stored in values["files"].items()}
    return Manifest(str(values["name"]), values["precision"], str(values["nemo"]), files)


def _check_length(folder: Path, manifest: Manifest, name: str) -> None:
    path, stored = folder / name, manifest.files.get(name)
    if stored is None or not path.is_file():
        raise unusable(folder, f"is incomplete: {name} is missing")
    if path.stat().st_size != stored.bytes:
        raise unusable(
            folder, f"is incomplete: {name} has {path.stat().st_size} bytes, expected {stored.bytes}"
        )
