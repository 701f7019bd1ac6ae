"""The whole service on one machine: storage, Pub/Sub, the five functions, and stand-ins for what is outside.

Each stand-in gives way to the real thing when its usual variable is set, see REPLACEABLE.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.gcs import storage_client
from infra.gpu import gpu_present
from infra.local import topology
from infra.local.processes import Processes, free_ports
from infra.local.samples import TINY_MODEL, known_recordings
from infra.local.storage import start_storage
from infra.settings import NAMES

PROJECT = "klipscribe-local"
LOCAL_KEY = "local"
BUCKETS = {
    "AUDIO_BUCKET": "klipstream-vods-raw",
    "TRANSCRIPT_BUCKET": "klipstream-transcripts",
    "STATE_BUCKET": "klipscribe-state",
}
BACKOFF_S = (1.0, 10.0)

REPLACEABLE = (
    "PUBSUB_EMULATOR_HOST",
    "STORAGE_EMULATOR_HOST",
    "CONVEX_URL",
    "DEEPGRAM_API_KEY",
    "PARAKEET_MODEL_NAME",
)
"""The variables that put something real in the place of a stand-in."""

FOR_THE_BUNDLED_MODEL = {
    "PARAKEET_MODEL_NAME": str(TINY_MODEL),
    "CPU_RTFX": "40",  # a speed that it reaches on two cores, for routing to predict with
    "OMP_NUM_THREADS": "1",  # so small a model only waits for more threads
}


@dataclass(frozen=True, slots=True)
class LocalCloud:
    """A running local cloud.

    Args:
        exports: the variables with which any client reaches it.
        processes: its servers.
        functions: the URL of each function.
        model: what Parakeet runs.
        videos_url: where the Convex stand-in shows its records; None when a real Convex is used.
    """

    exports: Mapping[str, str]
    processes: Processes
    functions: Mapping[str, str]
    model: str
    videos_url: str | None

    def stop(self) -> None:
        """End all servers."""
        self.processes.stop()


def start(directory: Path, handlers: Path, environ: Mapping[str, str]) -> LocalCloud:
    """Start the servers in order and connect them.

    Args:
        directory: for the logs.
        handlers: the file that functions-framework serves.
        environ: what the servers inherit; variables named above replace stand-ins.

    Raises:
        StartFailed: a server did not start; all others are ended.
    """
    processes = Processes(directory)
    try:
        return _Start(processes, handlers, _given(environ)).run()
    except BaseException:
        processes.stop()
        raise


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """What the environment says, where an empty value counts as unset, as it does in the settings."""
    return {name: value for name, value in environ.items() if value.strip() or name not in NAMES}


@dataclass(slots=True)
class _Start:
    processes: Processes
    handlers: Path
    environ: dict[str, str]

    def run(self) -> LocalCloud:
        pubsub, gcs, convex, deepgram, *functions = free_ports(4 + len(topology.FUNCTIONS))
        project = self.environ.setdefault("GOOGLE_CLOUD_PROJECT", PROJECT)
        exports = {"GOOGLE_CLOUD_PROJECT": project}
        exports |= {name: self.environ.setdefault(name, value) for name, value in BUCKETS.items()}
        exports["PUBSUB_EMULATOR_HOST"] = self._pubsub(pubsub)
        topology.create_topics(exports["PUBSUB_EMULATOR_HOST"], project)
        exports["STORAGE_EMULATOR_HOST"] = self._storage(gcs)
        self._create_buckets(exports)
        exports["CONVEX_URL"], videos_url = self._convex(convex)
        self._deepgram(deepgram)
        urls = self._functions(dict(zip(topology.FUNCTIONS, functions, strict=True)), exports)
        model = self.environ.get("PARAKEET_MODEL_NAME") or "parakeet-tdt-tiny, which knows 50 words"
        return LocalCloud(exports, self.processes, urls, model, videos_url)

    def _pubsub(self, port: int) -> str:
        if "PUBSUB_EMULATOR_HOST" in self.environ:
            return self.environ["PUBSUB_EMULATOR_HOST"]
        self._module("pubsub", "infra.local.pubsub", "--port", str(port))
        self.processes.wait_for_port("pubsub", port)
        return self.environ.setdefault("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")

    def _storage(self, port: int) -> str:
        if "STORAGE_EMULATOR_HOST" in self.environ:
            return self.environ["STORAGE_EMULATOR_HOST"]
        events = {
            "event.pubsub-project-id": self.environ["GOOGLE_CLOUD_PROJECT"],
            "event.pubsub-topic": topology.UPLOADED_TOPIC,
            "event.list": "finalize",
            "event.bucket": self.environ["AUDIO_BUCKET"],
        }
        url = start_storage(self.processes, port, self.environ, events)
        return self.environ.setdefault("STORAGE_EMULATOR_HOST", url)

    def _create_buckets(self, exports: Mapping[str, str]) -> None:
        client = storage_client(exports["GOOGLE_CLOUD_PROJECT"], exports["STORAGE_EMULATOR_HOST"])
        topology.create_buckets(client, tuple(exports[name] for name in BUCKETS))
        client.close()

    def _convex(self, port: int) -> tuple[str, str | None]:
        if self.environ.get("CONVEX_URL"):
            return self.environ["CONVEX_URL"], None
        self._module("convex", "infra.local.convex", "--port", str(port))
        self.processes.wait_for_http("convex", port)
        url = self.environ["CONVEX_URL"] = f"http://127.0.0.1:{port}"
        return url, f"{url}/videos"

    def _deepgram(self, port: int) -> None:
        if self.environ.get("DEEPGRAM_API_KEY"):
            return
        known = self.processes.directory / "known-recordings.json"
        known.write_text(json.dumps(known_recordings()))
        self._module("deepgram", "infra.local.deepgram", "--port", str(port), "--known", str(known))
        self.processes.wait_for_http("deepgram", port)
        self.environ["DEEPGRAM_API_KEY"] = LOCAL_KEY
        self.environ["DEEPGRAM_BASE_URL"] = f"http://127.0.0.1:{port}"

    def _functions(self, ports: Mapping[str, int], exports: Mapping[str, str]) -> dict[str, str]:
        defaults = {"ALLOW_CPU_PARAKEET": "true", "WORKERS": "1", "THREADS": "32"}
        # All functions share this machine: without it, ingest would take the GPU for one that sleeps.
        defaults |= {} if gpu_present() else {"PARAKEET_DEVICE": "cpu"}
        if not self.environ.get("PARAKEET_MODEL_NAME"):
            defaults |= FOR_THE_BUNDLED_MODEL
        environ = {**defaults, **self.environ}
        for name, port in ports.items():
            self.processes.start(name, self._function(name, port), environ)
        for name, port in ports.items():
            self.processes.wait_for_http(name, port)
        urls = {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
        topology.create_subscriptions(
            exports["PUBSUB_EMULATOR_HOST"], exports["GOOGLE_CLOUD_PROJECT"], urls, BACKOFF_S
        )
        return urls

    def _function(self, name: str, port: int) -> list[str]:
        served = [
            "--source",
            str(self.handlers),
            "--target",
            name,
            "--port",
            str(port),
            "--host",
            "127.0.0.1",
        ]
        return [sys.executable, "-m", "functions_framework", *served]

    def _module(self, name: str, module: str, *arguments: str) -> None:
        self.processes.start(name, [sys.executable, "-m", module, *arguments], self.environ)
