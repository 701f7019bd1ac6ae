"""Imports of torch and NeMo that let the other threads of the process run.

Python's own code gives others their turn every 5 ms. Two things do not: loading a library of 400 MB, and full
collections of cyclic garbage, of which the many objects that are imported bring a dozen. They made other
threads wait for up to 0.7 s at a time on two busy cores, and took half of the time of the import.
"""

import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LAST = "nemo.collections.asr"
"""Where this is imported, all else is."""

LARGE = ("libtorch_cpu.so", "libtorch_cpu.dylib")


@contextmanager
def others_run(imported: Container[str] = sys.modules) -> Iterator[None]:
    """Let a block import torch and NeMo, with the garbage collector off and torch's largest library loaded.

    What is there at the end counts as there to stay: later collections don't look at it again. Where all is
    imported already, nothing is done.
    """
    if LAST in imported:
        yield
        return
    _load_ahead()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _load_ahead() -> None:
    """Load torch's largest library as C code does, with the interpreter free; importing torch finds it there.

    Where that fails, it is left to torch, which knows more ways and says what is wrong.
    """
    torch = importlib.util.find_spec("torch")
    if torch is None or torch.origin is None:
        return
    with suppress(OSError, AttributeError):
        dlopen = ctypes.CDLL(None).dlopen
        dlopen.argtypes, dlopen.restype = (ctypes.c_char_p, ctypes.c_int), ctypes.c_void_p
        for library in (Path(torch.origin).parent / "lib" / name for name in LARGE):
            if library.is_file():
                dlopen(os.fsencode(library), os.RTLD_NOW)
