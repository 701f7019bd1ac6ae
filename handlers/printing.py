"""How results of the command line look."""

import json
import sys
from pathlib import Path

from rich.console import Console

from handlers.arguments import inside
from handlers.local_run import Files

_KIND = {"json": "transcript"}


def print_outputs(result: Files, wanted: str) -> None:
    """Print one output as it is; `text` is the transcript's text alone."""
    if wanted == "text":
        text = json.loads(result.outputs["transcript"])["text"]
        sys.stdout.buffer.write(f"{text}\n".encode())
    else:
        sys.stdout.buffer.write(result.outputs[_KIND.get(wanted, wanted)])
    sys.stdout.flush()


def write_outputs(result: Files, folder: Path, console: Console) -> None:
    """Write every output under its object name, and say where one was there already.

    Raises:
        LeadsOutside: a name leads out of the folder.
        OSError: the disk refused.
    """
    targets = {kind: inside(folder, name) for kind, name in result.paths.items()}
    for kind, path in targets.items():
        done = "replaced" if path.exists() else "wrote"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(result.outputs[kind])
        console.print(f"{done} {path}", soft_wrap=True, markup=False)
