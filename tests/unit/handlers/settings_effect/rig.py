"""The services as settings wire them, over memory and fakes; and a server that notes what it is asked."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from core.audio import AudioObject
from core.events import Event
from core.jobs import Job, Manifest
from handlers import bootstrap
from handlers.world import World
from infra import settings as environment
from infra.local.memory import MemoryPublisher, MemoryStore
from infra.settings import Settings
from tests.fakes.audio import FakeEngine, FakeReader
from tests.fakes.clock import FakeClock

VIDEO = "2434635255"
NAME = f"{VIDEO}/audio_{VIDEO}.mp3"


@dataclass(frozen=True)
class Asked:
    """A request that the server got."""

    path: str
    headers: Mapping[str, str]


@dataclass
class Server:
    """Answers everything with 400."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def noting() -> Iterator[Server]:
    """A server on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.asked.append(Asked(self.path, dict(self.headers)))
            body = json.dumps({"err_code": "Bad Request", "err_msg": "no", "request_id": "1"}).encode()
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}")
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


class Rig:
    """One world, wired from an environment."""

    def __init__(self, environ: Mapping[str, str], server: Server) -> None:
        self.environ = environ
        self.settings: Settings = environment.load(environ)
        self.server = server
        self.clock = FakeClock()
        self.store = MemoryStore(self.clock)
        self.broker = MemoryPublisher()
        self.reader = FakeReader()
        self.parakeet = FakeEngine("parakeet", self.clock)

    @property
    def world(self) -> World:
        return World(
            settings=self.settings,
            store=self.store,
            publisher=self.broker,
            clock=self.clock,
            reader=self.reader,
            ledger=bootstrap.ledger_over(self.store, self.settings, self.clock, "test"),
        )

    def upload(self, size_bytes: int = 5) -> AudioObject:
        bucket = self.settings.audio_bucket
        stored = self.store.write(bucket, NAME, bytes(size_bytes))
        return AudioObject(bucket, NAME, stored.generation, size_bytes)

    def ingest(self) -> None:
        bootstrap.reception_in(self.world).run(self.upload())

    def transcribe(self, size_bytes: int = 5) -> str:
        """What the GPU service makes of an upload: completed, a code of failure, or handed over."""
        engines: dict[str, Any] = {"parakeet": self.parakeet, "parakeet_cpu": self.parakeet}
        use_case = bootstrap.transcription_in(self.world, engines, self.world.engine_facts)
        result: Manifest | Event = use_case.run(Job(self.upload(size_bytes)))
        if isinstance(result, Event):
            return "handed over"
        return str(result.body.get("code", result.outcome))

    def topics(self) -> set[str]:
        """Where something was published."""
        return {topic for topic, _ in self.broker.published}

    def written(self, bucket: str) -> bool:
        """Whether there is anything in a bucket."""
        return bool(list(self.store.list(bucket)))
