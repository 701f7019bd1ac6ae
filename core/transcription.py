"""The use case: claim, fetch, route, transcribe, store, publish.

Each step is durable before the next one starts, and each is harmless when repeated, so that a crash anywhere
is repaired by the next delivery of the same message.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core import events
from core.accounts import Accounts, Sheet
from core.attempts import figures, speed
from core.audio import AudioInfo, AudioSource, check_info, check_names, check_size
from core.errors import AlreadyCompleted, EngineFailed, KlipscribeError, Rejected, SourceGone
from core.events import Event
from core.formats import Kind, OutputFile, output_names
from core.jobs import Claim, Job, Manifest
from core.outcomes import Outcomes, exhausted
from core.ports import AudioReader, Clock, Engine, Ledger, ObjectNotFound, ObjectStore, Publisher
from core.routing import Reason, Route, plain
from core.transcript import Transcript

Router = Callable[[Job, AudioInfo], Route]
Renderer = Callable[[Job, Transcript], Mapping[Kind, OutputFile]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """Where events go."""

    requested: str
    fallback: str
    progress: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """Looks at an object before any engine does."""

    store: ObjectStore
    reader: AudioReader
    max_bytes: int

    def examine(self, job: Job) -> tuple[AudioSource, AudioInfo]:
        """The audio's bytes and what its header says.

        Raises:
            Rejected: the object is gone, is no audio, contradicts itself, or lies outside of the limits.
            Retryable: storage can't be reached.
        """
        audio = job.audio
        check_names(audio.uri, output_names(audio.video_id).values())
        source = AudioSource(audio, self.store)
        try:
            stored = self.store.stat(audio.bucket, audio.name, audio.generation)
            if stored is None:
                raise self.gone(job)
            # The store's word counts; a message may come without a size.
            check_size(replace(audio, size_bytes=stored.size_bytes), self.max_bytes)
            info = self.reader.probe(source)
        except ObjectNotFound as error:
            raise self.gone(job) from error
        check_info(audio.uri, info)
        return source, info

    def gone(self, job: Job) -> SourceGone:
        """Why the generation is not there: replaced, or deleted."""
        live = self.store.stat(job.audio.bucket, job.audio.name)
        newer = live.generation if live and live.generation > job.audio.generation else None
        return SourceGone(job.audio.uri, job.audio.generation, newer)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transcription:
    """Carries one delivery of one job as far as this service can.

    Args:
        engines: what this service can run, by routing method.
        engine: under which name its failures are counted.
        accounts: where each attempt is entered, before its outcome can be seen.
        may_fall_back: whether a failure here may move the job to the fallback topic.
    """

    ledger: Ledger
    intake: Intake
    outcomes: Outcomes
    publisher: Publisher
    clock: Clock
    accounts: Accounts
    topics: Topics
    engines: Mapping[str, Engine]
    engine: str
    choose: Router
    render: Renderer
    may_fall_back: Callable[[Job], bool]

    def run(self, job: Job) -> Manifest | Event:
        """The job's outcome, announced; or the fallback event that was published instead.

        Raises:
            AlreadyInProgress, Retryable, EngineFailed: deliver it again later.
        """
        try:
            with self.ledger.hold(job, self.engine) as claim:
                result = self._attempt(claim)
        except AlreadyCompleted:
            result = self.outcomes.recorded(job)
        if isinstance(result, Manifest):
            self.outcomes.announce(result)
        else:
            self.publisher.publish(self.topics.fallback, result)
        return result

    def _attempt(self, claim: Claim) -> Manifest | Event:
        with self.accounts.sheet(claim, self.engine) as sheet:
            self.accounts.settle(claim)
            self.publisher.publish(self.topics.progress, events.started(claim, self.clock.now(), self.engine))
            try:
                if claim.exhausted(self.engine):
                    raise exhausted(self.engine, claim.engine_failures[self.engine])
                return self._transcribe(claim, sheet)
            except Rejected as error:
                return self._fail(claim, sheet, error)
            except EngineFailed as error:
                return self._after_failure(claim, sheet, error)

    def _transcribe(self, claim: Claim, sheet: Sheet) -> Manifest | Event:
        begun_s = self.clock.monotonic()
        source, info = self.intake.examine(claim.job)
        sheet.audio_s = info.duration_s
        route = self.choose(claim.job, info)
        sheet.method = route.method
        if route.method not in self.engines:
            return self._hand_over(claim, sheet, route.reasons)
        engine_begun_s = self.clock.monotonic()
        transcript = self._hear(claim.job, route.method, source, info, sheet)
        sheet.audio_s = transcript.duration_s
        engine_ended_s = self.clock.monotonic()
        files = self.render(claim.job, transcript)
        timings_s = {
            "examine": round(engine_begun_s - begun_s, 3),
            "engine": round(engine_ended_s - engine_begun_s, 3),
            "total": round(self.clock.monotonic() - begun_s, 3),
        }

        def entered() -> dict[str, Any]:
            return {**_about(claim, route, transcript), **self._figures(claim, sheet), "timings_s": timings_s}

        return self.outcomes.complete(claim, files, entered)

    def _hear(self, job: Job, method: str, source: AudioSource, info: AudioInfo, sheet: Sheet) -> Transcript:
        try:
            return self.engines[method].transcribe(source, info, sheet.bill)
        except ObjectNotFound as error:
            raise self.intake.gone(job) from error

    def _figures(self, claim: Claim, sheet: Sheet) -> dict[str, Any]:
        """Enter the attempt, and say what it took and cost."""
        earlier_usd = self.accounts.earlier_usd(claim)
        attempt = sheet.enter("completed")
        return {**speed(attempt), **figures(attempt, earlier_usd)}

    def _after_failure(self, claim: Claim, sheet: Sheet, error: EngineFailed) -> Manifest | Event:
        if not claim.exhausted(self.engine) and not claim.count_failure(self.engine, error):
            raise error
        if self.may_fall_back(claim.job):
            return self._hand_over(claim, sheet, [Reason(error.code, str(error))])
        return self._fail(claim, sheet, error)

    def _fail(self, claim: Claim, sheet: Sheet, error: KlipscribeError) -> Manifest:
        def entered() -> dict[str, Any]:
            earlier_usd = self.accounts.earlier_usd(claim)
            return figures(sheet.enter("failed", error.code), earlier_usd)

        return self.outcomes.fail(claim, error, entered)

    def _hand_over(self, claim: Claim, sheet: Sheet, reasons: Sequence[Reason]) -> Event:
        claim.confirm()
        sheet.enter("handed_over", reasons[-1].code if reasons else "")
        now = self.clock.now()
        self.publisher.publish(self.topics.progress, events.progress(claim, now, "fallback"))
        return events.fallback_requested(claim.job, now, reasons)


def _about(claim: Claim, route: Route, transcript: Transcript) -> dict[str, Any]:
    """What the terminal event says of the way and of the transcript."""
    return {
        "engine": transcript.engine,
        "model": transcript.model,
        "method": route.method,
        "reasons": plain(route.reasons),
        "language": transcript.language,
        "attempts": claim.attempt,
        "words_count": len(transcript.words),
        "gaps_count": len(transcript.gaps),
        "gaps_s": round(transcript.gaps_s, 3),
    }
