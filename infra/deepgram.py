"""Deepgram as an engine: one request for a whole file, paid for once."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from core.answers import Answer, Answers, Question
from core.audio import AudioInfo, AudioSource
from core.billing import Bill
from core.errors import EngineFailed, Retryable
from core.ports import Clock
from core.transcript import Transcript
from infra.answers import NoAnswers
from infra.deepgram_answer import transcript_of
from infra.deepgram_errors import DeepgramBusy, MaybeBilled, UrlUnread
from infra.deepgram_money import Tally
from infra.deepgram_request import DeepgramRequests
from infra.places import Places
from infra.retry import retrying

log = logging.getLogger("klipscribe")

# A push request lives for 600 s. One question to Deepgram may take 400 s of them, and no question is asked
# that could end after 540 s, so that the outcome can still be stored.
MAX_TIMEOUT_S = 400.0
BUDGET_S = 540.0
# What one try may take of a budget, so that waiting for a place, or a quick failure, leaves time for it.
SHARE_OF_ONE_TRY = 5 / 6
# Long enough for the longest question, so that a slow fetch at Deepgram does not meet an expired URL.
URL_EXPIRES_S = 900.0
CHUNK_BYTES = 1 << 20

# Every word is wanted as it was spoken and written, with what the formats need. Deepgram's names.
OPTIONS: Mapping[str, Any] = {
    "smart_format": True,
    "punctuate": True,
    "paragraphs": True,
    "utterances": True,
    "filler_words": True,
}


@dataclass(frozen=True, slots=True)
class DeepgramEngine:
    """Hears a whole file by one request, tried again while the failure looks like passing.

    An answer is kept before anything else is done with it, so that who repeats the work pays nothing. One
    that can't be used is put aside, and Deepgram is asked again by the next attempt: the ledger of jobs
    bounds how many there are.

    Args:
        clock: measures the budget and sleeps between tries.
        api_key: the project's key.
        model: Deepgram's name of the model.
        language: for audio whose metadata names none; a BCP-47 tag.
        base_url: another server that speaks Deepgram's protocol; None for Deepgram itself.
        timeout_s: longest that one request may take, at most 400 s.
        budget_s: no try begins that could end later than this.
        tries: requests per file at most.
        answers: where paid answers are kept.
        places: bounds how many requests this process has under way; None for no bound.

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
    answers: Answers = field(default_factory=NoAnswers, repr=False)
    places: Places | None = field(default=None, repr=False)

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
        """Hear the whole file; what was waited, and what is or may be charged for, goes on the bill.

        Raises:
            EngineFailed: engine_unauthorized where key or account are refused, engine_refused where this
                audio is, engine_bad_result where the answer can't be trusted.
            Retryable: Deepgram was out of reach or out of capacity on every try; or the store was.
            ObjectNotFound: the generation is gone.
        """
        language = source.object.metadata.get("language") or self.language
        question = Question(source.object.job_id, info.duration_s, self.model, language, OPTIONS)
        tally, begun_s, heard_s = Tally(info.duration_s), self.clock.monotonic(), 0.0
        try:
            transcript = self._kept(question, info, tally) or self._asked(question, source, info, tally)
            heard_s = transcript.duration_s
        finally:
            bill.add(tally.usage(self.model, heard_s, self.clock.monotonic() - begun_s))
        return transcript

    def _kept(self, question: Question, info: AudioInfo, tally: Tally) -> Transcript | None:
        """The transcript that an earlier attempt paid for; None when there is none that can be used."""
        answer = self.answers.find(question)
        if answer is None:
            return None
        self.answers.settle(question)
        tally.kept(answer.raw)
        try:
            return self._read(question, answer, info)
        except EngineFailed as error:
            log.warning("a kept answer can't be used, Deepgram is asked once more: %s", error)
            return None

    def _asked(self, question: Question, source: AudioSource, info: AudioInfo, tally: Tally) -> Transcript:
        with self._noted(question, tally):
            answer = self._ask(source, question.language, tally)
            self._keep(question, answer)
        return self._read(question, answer, info)

    def _read(self, question: Question, answer: Answer, info: AudioInfo) -> Transcript:
        try:
            return transcript_of(
                answer.raw,
                info,
                model=question.model,
                language=question.language,
                sent_sha256=answer.sent_sha256,
            )
        except EngineFailed:
            with suppress(Retryable):  # then the next attempt finds it once more, and refuses it
                self.answers.refuse(question)
            raise

    @contextmanager
    def _noted(self, question: Question, tally: Tally) -> Iterator[None]:
        """A note says that Deepgram is being asked: who finds one was preceded by a process that died."""
        if self.answers.note(question):
            tally.unanswered()
        try:
            yield
        finally:
            # A note that stays makes a later attempt count too much as possible, and nothing worse.
            with suppress(Retryable):
                self.answers.settle(question)

    def _keep(self, question: Question, answer: Answer) -> None:
        try:
            self.answers.keep(question, answer)
        except Retryable as error:
            # It is paid, and in hand: to give it up now would be to pay for it again for certain.
            log.warning("Deepgram's answer could not be kept, a repetition will be paid again: %s", error)

    def _ask(self, source: AudioSource, language: str, tally: Tally) -> Answer:
        """Deepgram's answer as it came, not yet validated. Raises as transcribe does."""
        last_start_s = self.clock.monotonic() + self.budget_s - self.timeout_s
        by_url = True

        def once() -> Answer:
            nonlocal by_url
            url = source.url(expires_s=URL_EXPIRES_S) if by_url else None
            with self._place(last_start_s - self.clock.monotonic()):
                tally.asked()
                try:
                    answer = self._by_url(language, url) if url else self._by_bytes(language, source)
                except (DeepgramBusy, MaybeBilled) as error:
                    if error.maybe_billed:
                        tally.unanswered()
                    by_url = by_url and not isinstance(error, UrlUnread)
                    raise
                tally.answered(answer.raw)
                return answer

        policy = retrying(
            self.clock, self.tries, on=DeepgramBusy, budget_s=self.budget_s, try_s=self.timeout_s
        )
        return policy(once)

    def _place(self, wait_s: float) -> Any:
        return self.places.one(wait_s) if self.places else nullcontext()

    def _by_url(self, language: str, url: str) -> Answer:
        return Answer(self._send(language, url))

    def _by_bytes(self, language: str, source: AudioSource) -> Answer:
        digest = hashlib.sha256()
        with source.open() as stream:
            raw = self._send(language, _chunks(stream, digest.update))
        return Answer(raw, digest.hexdigest())

    def _send(self, language: str, audio: str | Iterator[bytes]) -> bytes:
        requests = DeepgramRequests(self.clock, self.api_key, self.base_url, self.timeout_s)
        return requests.send(audio, {"model": self.model, "language": language, **OPTIONS})


def _chunks(stream: BinaryIO, seen: Callable[[bytes], object]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        seen(chunk)
        yield chunk
