"""One request to Deepgram, through its SDK, and nothing that outlives it."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

import httpx
from deepgram import DeepgramClient
from deepgram.environment import DeepgramClientEnvironment

from core.ports import Clock
from infra.deadline import Deadline
from infra.deepgram_errors import UNREADABLE, VENDOR_ERRORS, MaybeBilled, overdue, translated

with warnings.catch_warnings():
    # The SDK's websocket half, of no use here, takes a deprecated name from websockets while it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import_module("deepgram.listen.v1.client")

CONNECT_S = 10.0
# Between two pieces of the audio that are taken off our hands.
WRITE_S = 60.0
# Twelve hours of speech take about 35 MB, every word written twice: with its channel, and its utterance.
MAX_ANSWER_BYTES = 128 << 20


@dataclass(frozen=True, slots=True)
class DeepgramRequests:
    """Sends one request at a time, each on a connection of its own: one that idled may be dead already.

    Args:
        clock: tells what a date in Retry-After means.
        api_key: the project's key.
        base_url: another server that speaks Deepgram's protocol; None for Deepgram itself.
        timeout_s: for the whole exchange, from connecting to the last byte.
        max_answer_bytes: as sent over the wire; more is not read.
    """

    clock: Clock
    api_key: str = field(repr=False)
    base_url: str | None
    timeout_s: float
    max_answer_bytes: int = MAX_ANSWER_BYTES

    def send(self, audio: str | Iterator[bytes], options: Mapping[str, Any]) -> bytes:
        """The answer's body, when its status says success; nothing in it was looked at.

        Args:
            audio: a signed URL, or the bytes themselves.
            options: model, language and features, by Deepgram's names.

        Raises:
            DeepgramBusy, EngineFailed: as infra.deepgram_errors has it.
        """
        answers: list[httpx.Response] = []

        def bounded(response: httpx.Response) -> None:
            answers.append(response)
            response.stream = _Bounded(cast("httpx.SyncByteStream", response.stream), self.max_answer_bytes)

        with Deadline(self.timeout_s) as deadline, self._http(deadline, bounded) as http:
            try:
                self._ask(http, audio, options)
            except VENDOR_ERRORS as error:
                # First, since a body without a length looks whole when its connection is shut.
                if deadline.passed:
                    raise overdue(self.timeout_s) from None
                if not (isinstance(error, UNREADABLE) and answers and answers[-1].is_success):
                    # Without its cause: an SDK error prints the answer's body, which may quote a signed URL.
                    raise translated(error, self.clock.now()) from None
        return answers[-1].content

    def _ask(self, http: httpx.Client, audio: str | Iterator[bytes], options: Mapping[str, Any]) -> None:
        media = self._client(http).listen.v1.media
        if isinstance(audio, str):
            media.transcribe_url(url=audio, **options)
        else:
            media.transcribe_file(request=audio, **options)

    def _http(self, deadline: Deadline, seen: Any) -> httpx.Client:
        timeout = httpx.Timeout(
            self.timeout_s, connect=min(CONNECT_S, self.timeout_s), write=min(WRITE_S, self.timeout_s)
        )
        hooks = {"request": [deadline.watch], "response": [seen]}
        return httpx.Client(timeout=timeout, event_hooks=hooks, trust_env=self.base_url is None)

    def _client(self, http: httpx.Client) -> DeepgramClient:
        """The SDK without its retries: they would send an iterator again, empty, and call that success."""
        environment = _at(self.base_url) if self.base_url else DeepgramClientEnvironment.PRODUCTION
        return DeepgramClient(api_key=self.api_key, environment=environment, httpx_client=http, max_retries=0)


class _Bounded(httpx.SyncByteStream):
    """An answer's bytes, up to a limit: memory is shared with other files."""

    def __init__(self, stream: httpx.SyncByteStream, max_bytes: int) -> None:
        self._stream, self._left = stream, max_bytes

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise MaybeBilled("Deepgram's answer is longer than any transcript", code="engine_bad_result")
            yield chunk

    def close(self) -> None:
        self._stream.close()


def _at(base_url: str) -> DeepgramClientEnvironment:
    sockets = "ws" + base_url.removeprefix("http")
    return DeepgramClientEnvironment(base=base_url, production=sockets, agent=sockets, agent_rest=base_url)
