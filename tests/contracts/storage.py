"""Cloud Storage under test: a server on loopback, and what is known to differ there from the service."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.processes import Processes, free_ports
from infra.local.storage import start_storage

PROJECT = "klip"
BUCKET = "bucket-of-tests"

IGNORED_BY_FAKE_GCS_SERVER = {
    "precondition_on_delete": "deletes although the generation is another, where the service answers 412",
    "precondition_on_read": "reads although the generation is another, where the service answers 412",
    "precondition_on_metadata": "patches although the generation is another, where the service answers 412",
    "signature": "serves any signed URL, where the service answers 403 to one whose signature is wrong",
}
"""By check: where fake-gcs-server differs from the service. Each must be seen to differ, or the row goes."""


@contextmanager
def fake_gcs_server(directory: Path) -> Iterator[str]:
    """Its URL while the context is open."""
    processes = Processes(directory)
    try:
        [port] = free_ports(1)
        yield start_storage(processes, port, os.environ)
    finally:
        processes.stop()
