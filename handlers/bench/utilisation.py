"""How busy NVML says that the device is, read while a block runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

EVERY_S = 0.1


@contextmanager
def watched() -> Iterator[list[float]]:
    """A list that fills with percents; stays empty where NVML or a device is missing."""
    readings: list[float] = []
    over = threading.Event()
    thread = threading.Thread(target=_read, args=(readings, over), name="utilisation", daemon=True)
    thread.start()
    try:
        yield readings
    finally:
        over.set()
        thread.join()


def _read(readings: list[float], over: threading.Event) -> None:
    try:
        pynvml: Any = import_module("pynvml")
    except ImportError:
        return
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        while not over.wait(EVERY_S):
            readings.append(float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu))
    except pynvml.NVMLError:
        return
