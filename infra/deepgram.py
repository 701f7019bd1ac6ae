"""Deepgram as an engine, through its SDK."""

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, BinaryIO

import httpx
from deepgram import DeepgramClient
from deepgram.environment import DeepgramClientEnvironment

from core.audio import AudioInfo, AudioSource
from core.billing import Bill, Usage
from core.ports import Clock
from core.transcript import Transcript
from infra.deepgram_answer import transcript_of
from infra.deepgram_errors import VENDOR_ERRORS, DeepgramBusy, UrlUnread, translated
from infra.retry import retrying

with warnings.catch_warnings():
    # The SDK's websocket half, of no use here, takes a deprecated name from websockets while it is imported.
    warnings.simplefilter("ignore", DeprecationWarning)
    import_module("deepgram.listen.v1.client")

# A push request lives for 600 s. One question to Deepgram may take 400 s of them, and no question is asked
# that could end after 540 s, so that the outcome can still be stored.
MAX_TIMEOUT_S = 400.0
BUDGET_S = 540.0
CONNECT_S = 10.0
# Long enough for the longest question, so that a slow fetch at Deepgram does not meet an expired URL.
URL_EXPIRES_S = 900.0
CHUNK_BYTES = 1 << 20

# Every word is wanted as it was spoken and written, with what the formats need. Deepgram's names.
OPTIONS: dict[str, Any] = {
    "smart_format": True,
    "punctuate": True,
    "paragraphs": True,
    "utterances": True,
    "filler_words": True,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What Deepgram said, byte for byte.

    Args:
        raw: the body.
        sent_sha256: hex digest of the audio where we sent it; None where Deepgram fetched it.
    """

    raw: bytes = field(repr=False)
    sent_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class DeepgramEngine:
    """Hears a whole file by one request, tried again while the failure looks like passing.

    Args:
        clock: measures the budget and sleeps between tries.
        api_key: the project's key.
        model: Deepgram's name of the model.
        language: for audio whose metadata names none; a BCP-47 tag.
        base_url: another server that speaks Deepgram's protocol; None for Deepgram itself.
        timeout_s: longest silence of one request, at most 400 s.
        budget_s: no try begins that could end later than this.
        tries: requests per file at most.

    Raises:
        ValueError: the key or the timeout can't be used.
    """

    clock: Clock
    api_key: str = field(repr=False)
    model: str = "nova-3"
    language: str = "en"
    base_url: str | None = None
    timeout_s: float = MAX_TIMEOUT_S
    budget_s: float = BUDGET_S
    tries: int = 4

    def __post_init__(self) -> None:
        if not (self.api_key.isascii() and self.api_key.isprintable() and self.api_key.strip()):
            raise ValueError("DEEPGRAM_API_KEY is empty or holds characters that no key has")
        if not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            raise ValueError(
                f"a timeout of {self.timeout_s} s, expected more than 0 and at most {MAX_TIMEOUT_S}"
            )

    @property
    def name(self) -> str:
        """Always deepgram."""
        return "deepgram"

    def transcribe(self, source: AudioSource, info: AudioInfo, bill: Bill) -> Transcript:
        """Hear the whole file; what was waited, and what is charged for, goes on the bill.

        Raises:
            EngineFailed: engine_refused where asking again is of no use, engine_bad_result where the answer
                can't be trusted.
            Retryable: Deepgram was out of reach or out of capacity on every try; or the store was.
            ObjectNotFound: the generation is gone.
        """
        language = source.object.metadata.get("language") or self.language
        begun_s, heard_s = self.clock.monotonic(), 0.0
        try:
            answer = self.ask(source, language)
            transcript = transcript_of(
                answer.raw, info, model=self.model, language=language, sent_sha256=answer.sent_sha256
            )
            heard_s = transcript.duration_s
        finally:
            waited_s = self.clock.monotonic() - begun_s
            bill.add(Usage("deepgram", self.model, heard_s=heard_s, active_s=waited_s, billed_s=heard_s))
        return transcript

    def ask(self, source: AudioSource, language: str) -> Answer:
        """Deepgram's answer as it came, not yet validated. Raises as transcribe does."""
        by_url = True

        def once() -> Answer:
            nonlocal by_url
            url = source.url(expires_s=URL_EXPIRES_S) if by_url else None
            try:
                return Answer(self._request(language, url)) if url else self._by_bytes(source, language)
            except UrlUnread:
                by_url = False
                raise

        policy = retrying(
            self.clock, self.tries, on=DeepgramBusy, budget_s=self.budget_s, try_s=self.timeout_s
        )
        return policy(once)

    def _by_bytes(self, source: AudioSource, language: str) -> Answer:
        digest = hashlib.sha256()
        with source.open() as stream:
            raw = self._request(language, _chunks(stream, digest.update))
        return Answer(raw, digest.hexdigest())

    def _request(self, language: str, audio: str | Iterator[bytes]) -> bytes:
        """One request, on a connection of its own: one that idled since the last file may be dead already.

        Args:
            language: BCP-47 tag.
            audio: a signed URL, or the bytes themselves.
        """
        how = {"model": self.model, "language": language, **OPTIONS}
        answers: list[httpx.Response] = []
        with httpx.Client(
            timeout=httpx.Timeout(self.timeout_s, connect=min(CONNECT_S, self.timeout_s)),
            event_hooks={"response": [answers.append]},
            trust_env=self.base_url is None,
        ) as http:
            media = self._client(http).listen.v1.media
            try:
                if isinstance(audio, str):
                    media.transcribe_url(url=audio, **how)
                else:
                    media.transcribe_file(request=audio, **how)
            except VENDOR_ERRORS as error:
                # Without its cause: an SDK error prints the answer's body, which may quote a signed URL.
                raise translated(error, self.clock.now()) from None
        return answers[-1].content

    def _client(self, http: httpx.Client) -> DeepgramClient:
        """The SDK without its retries: they would send an iterator again, empty, and call that success."""
        environment = _at(self.base_url) if self.base_url else DeepgramClientEnvironment.PRODUCTION
        return DeepgramClient(api_key=self.api_key, environment=environment, httpx_client=http, max_retries=0)


def _at(base_url: str) -> DeepgramClientEnvironment:
    sockets = "ws" + base_url.removeprefix("http")
    return DeepgramClientEnvironment(base=base_url, production=sockets, agent=sockets, agent_rest=base_url)


def _chunks(stream: BinaryIO, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        seen(chunk)
        yield chunk
