"""The real SDK on one side, the stand-in on loopback on the other, and time that only moves when told."""

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Thread
from typing import Any, BinaryIO, cast

import httpx
from flask import Flask
from werkzeug.serving import ThreadedWSGIServer

from core.audio import AudioInfo, AudioObject, AudioSource
from core.ports import ObjectStore
from infra.deepgram import DeepgramEngine
from infra.local.deepgram import make_app
from tests.fakes.clock import FakeClock

KEY = "a-made-up-key"
SECONDS = 4.0
WORDS = [("Hello", 0.5, 0.9), ("there,", 1.0, 1.4), ("world.", 2.0, 2.6)]


def wav(seconds: float = SECONDS, rate_hz: int = 8_000) -> bytes:
    """Silence as a WAV file, mono, 16 bit."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(bytes(2 * int(seconds * rate_hz)))
    return out.getvalue()


# What Cloud Storage answers to a signed URL whose time is over.
EXPIRED = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"
AUDIO = wav()
INFO = AudioInfo(duration_s=SECONDS, sample_rate_hz=8_000, channels=1, codec="pcm_s16le")


@dataclass
class OneObject:
    """As much of a store as an engine touches: one object, perhaps with a URL, perhaps broken."""

    data: bytes = AUDIO
    url: str | None = None
    on_open: Exception | None = None
    on_read: Exception | None = None
    signed_for_s: list[float] = field(default_factory=list)
    opened: list[BinaryIO] = field(default_factory=list)

    def open(self, _bucket: str, _name: str, _generation: int) -> BinaryIO:
        if self.on_open:
            raise self.on_open
        stream = io.BytesIO(self.data) if self.on_read is None else _Breaking(self.data, self.on_read)
        self.opened.append(stream)
        return stream

    def signed_url(self, _bucket: str, _name: str, _generation: int, *, expires_s: float) -> str | None:
        self.signed_for_s.append(expires_s)
        return self.url


class _Breaking(io.BytesIO):
    """A stream that gives a little and then fails, as a lost connection to the store does."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self._error = error

    def read(self, _size: int | None = -1, /) -> bytes:
        if self.tell():
            raise self._error
        return super().read(100)


def source(store: OneObject, **metadata: str) -> AudioSource:
    """The object as an engine gets it."""
    audio = AudioObject("audio", "1/audio_1.wav", 7, len(store.data), metadata=metadata)
    return AudioSource(audio, cast("ObjectStore", store))


@dataclass
class Rig:
    """A running stand-in."""

    url: str
    clock: FakeClock = field(default_factory=FakeClock)

    def engine(self, **changes: Any) -> DeepgramEngine:
        how: dict[str, Any] = {"clock": self.clock, "api_key": KEY, "base_url": self.url, **changes}
        return DeepgramEngine(**how)

    def fail(self, times: int = 1, **fault: Any) -> None:
        httpx.post(f"{self.url}/_fail", json={"times": times, **fault}, trust_env=False).raise_for_status()

    def calls(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", httpx.get(f"{self.url}/_calls", trust_env=False).json())


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve an app on loopback; on leaving, every thread has ended and every socket is closed."""
    server = ThreadedWSGIServer("127.0.0.1", 0, app)
    server.daemon_threads = False
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        app.extensions["stand_in"].released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def stand_in() -> Iterator[Rig]:
    """The stand-in, which knows AUDIO and also serves it, as a bucket would behind a signed URL."""
    app = make_app({sha256(AUDIO).hexdigest(): WORDS}, KEY)
    app.add_url_rule("/bucket/audio.wav", "audio", lambda: AUDIO)
    app.add_url_rule("/bucket/expired.wav", "expired", lambda: (EXPIRED, 400))
    with serving(app) as url:
        yield Rig(url)
