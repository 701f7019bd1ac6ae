"""Google's own emulator, where it is installed, and where it is known to differ from the service."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

JAR_VARIABLE = "KLIPSCRIBE_PUBSUB_EMULATOR_JAR"

DIFFERENCES: dict[str, str] = {}
"""By test: what the service does, and Google's emulator does not. Each must fail there, or the row goes."""


def find_jar() -> Path | None:
    """The emulator's jar: named by a variable, or a component of the Cloud SDK."""
    if named := os.environ.get(JAR_VARIABLE):
        return Path(named)
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    folder = Path(gcloud).resolve().parent.parent / "platform" / "pubsub-emulator" / "lib"
    return next(iter(sorted(folder.glob("cloud-pubsub-emulator-*.jar"))), None)


@contextmanager
def google_emulator(jar: Path) -> Iterator[str]:
    """Its HOST:PORT while the context is open."""
    java = shutil.which("java")
    assert java is not None, "the jar needs a Java runtime"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [java, "-jar", str(jar), "--host=127.0.0.1", f"--port={port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "listening on" in line:
                break
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)
