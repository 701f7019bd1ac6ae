"""From a model's name to a NeMo model in memory.

random:0.6b, random:tiny      the architecture with random weights
a folder                      a prepared model (infra/model_folder.py): the fast way
a .nemo file                  unpacked and restored by NeMo
anything else                 a name on the Hugging Face hub
"""

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import EngineFailed
from core.memory import Precision
from infra import model_folder, random_model
from infra.model_manifest import WEIGHTS, Manifest, differing, read, unusable
from infra.quiet import quiet

READ_BYTES = 8 << 20


def assemble(name_or_path: str, precision: Precision) -> Any:
    """The NeMo model of this name, on the CPU, in eval mode.

    Args:
        name_or_path: see the module's docstring.
        precision: of the encoder's weights; all else is fp32. A CPU computes in fp32.

    Raises:
        EngineFailed: engine_model_unavailable; engine_out_of_memory is not told apart here.
    """
    prefetch(name_or_path)
    _check(name_or_path)
    try:
        with quiet():
            return _assembled(name_or_path, precision).eval()
    except EngineFailed:
        raise
    except Exception as error:  # NeMo and the hub's client raise what they like
        raise EngineFailed(
            f"the speech model {name_or_path} can't be loaded ({type(error).__name__}); set "
            "PARAKEET_MODEL_NAME to the path of a .nemo file or of a prepared model, or to the name of a "
            "Parakeet-TDT model on the Hugging Face hub, and install the extra named asr",
            code="engine_model_unavailable",
            deterministic=Path(name_or_path).suffix == ".nemo",
        ) from error


def name_of(name_or_path: str) -> str:
    """What to call the model: as on the hub, as the file without folder and ending, or as a folder says.

    Raises:
        EngineFailed: engine_model_unavailable: the folder is no prepared model.
    """
    path = Path(name_or_path)
    if path.is_dir():
        return read(path).name
    return path.stem if path.suffix == ".nemo" else name_or_path


def prefetch(name_or_path: str) -> threading.Thread | None:
    """Read a prepared model's weights into the page cache, in a thread, while torch and NeMo are imported.

    Call it as early as the name is known. Any other kind of model is left alone. A file that can't be read
    is the loader's to report.
    """
    weights = Path(name_or_path) / WEIGHTS
    if not weights.is_file():
        return None
    return _reading(weights.absolute())


def read_through(path: Path) -> None:
    """Read a file to its end, so that it is in the page cache; one that can't be read is left alone."""
    block = bytearray(READ_BYTES)
    with suppress(OSError), path.open("rb", buffering=0) as file:
        while file.readinto(block):
            pass


def prepare(name_or_path: str, folder: Path, precision: Precision) -> Manifest:
    """Make a prepared model of a name or a path; one that stood there before is replaced when all is written.

    Raises:
        EngineFailed: engine_model_unavailable: there is no such model, or the disk gave back other bytes.
        OSError: there is something else in the folder, or it can't be written to.
    """
    check_replaceable(folder)
    name = name_of(name_or_path)
    model = assemble(name_or_path, "fp32")
    with _sibling(folder) as fresh, quiet():
        manifest = model_folder.save(model, fresh, precision, name)
        if wrong := differing(fresh, manifest):
            raise unusable(folder, f"could not be written: {wrong[0]} reads differently")
        _swap(fresh, folder)
    return manifest


def check_replaceable(folder: Path) -> None:
    """Refuse to write over what is no prepared model.

    Raises:
        FileExistsError: it is a file, or a folder that holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file, expected a folder or a free name")
    if folder.is_dir() and any(folder.iterdir()) and not model_folder.is_folder(folder):
        raise FileExistsError(f"{folder} holds other files, expected an empty folder or a prepared model")


def _check(name_or_path: str) -> None:
    """Find out what can be known to fail before torch and NeMo are imported, which takes seconds."""
    if random_model.is_name(name_or_path):
        random_model.shape_of(name_or_path)
    elif Path(name_or_path).is_dir():
        read(Path(name_or_path))


def _assembled(name_or_path: str, precision: Precision) -> Any:
    if Path(name_or_path).is_dir():
        return model_folder.open_folder(Path(name_or_path), precision)
    model = _in_fp32(name_or_path)
    if precision == "bf16":
        import torch

        model.encoder.to(torch.bfloat16)
    return model


def _in_fp32(name_or_path: str) -> Any:
    if random_model.is_name(name_or_path):
        return random_model.build(name_or_path)
    from nemo.collections.asr.models import ASRModel

    if name_or_path.endswith(".nemo"):
        return ASRModel.restore_from(name_or_path, map_location="cpu")
    return ASRModel.from_pretrained(name_or_path, map_location="cpu")


@cache
def _reading(weights: Path) -> threading.Thread:
    """The thread that reads the file: one, however often it is asked for."""
    thread = threading.Thread(target=read_through, args=(weights,), name="prefetch-weights", daemon=True)
    thread.start()
    return thread


@contextmanager
def _sibling(folder: Path) -> Iterator[Path]:
    """An empty folder on the same disk, gone afterwards unless it was moved."""
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
    fresh.chmod(0o755)
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _swap(fresh: Path, folder: Path) -> None:
    """Put the new folder in the old one's place: who opens it sees one or the other, or for a moment none.

    A process that has the old weights mapped keeps them.
    """
    if not folder.exists() or not any(folder.iterdir()):
        fresh.replace(folder)
        return
    with _sibling(folder) as aside:
        folder.rename(aside / "old")
        fresh.rename(folder)
