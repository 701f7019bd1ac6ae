"""From an outcome to what the world sees: staged files, the manifest, public files, the terminal event."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core import events
from core.accounts import Accounts
from core.errors import AlreadyCompleted, EngineFailed, KlipscribeError, Rejected, Retryable
from core.formats import Kind, OutputFile
from core.jobs import Claim, Job, Manifest, PlacedFile
from core.ports import Clock, Ledger, ObjectStore, PreconditionFailed, Publisher

GENERATION_KEY = "klipscribe-generation"
RUN_KEY = "klipscribe-run"
JOB_KEY = "klipscribe-job"
PROMOTE_TRIES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcomes:
    """Makes outcomes durable first and public second, so that a repetition at any point is harmless."""

    store: ObjectStore
    ledger: Ledger
    publisher: Publisher
    clock: Clock
    accounts: Accounts
    state_bucket: str
    transcript_bucket: str
    completed_topic: str

    def complete(
        self, claim: Claim, files: Mapping[Kind, OutputFile], body: Callable[[], Mapping[str, Any]]
    ) -> Manifest:
        """Stage the files under the attempt's own name, then record the outcome.

        The body is asked for last, when nothing but the record of the outcome is left to do.

        Raises:
            AlreadyCompleted: a twin was faster; its outcome stands.
        """
        staged = tuple(self._stage(claim, kind, file) for kind, file in files.items())
        return self._record(Manifest(claim.job, "completed", claim.fence, self._now(), body(), staged))

    def fail(
        self, claim: Claim, error: KlipscribeError, figures: Callable[[], Mapping[str, Any]] = dict
    ) -> Manifest:
        """Record that no further attempt will be made, and why; figures are asked for last, and added.

        Who lost the job has no say in that: whoever took it over may still complete it.

        Raises:
            AlreadyCompleted: a twin was faster; its outcome stands.
            AlreadyInProgress: somebody has taken the job over.
        """
        claim.confirm()
        body = {
            "code": error.code,
            "message": str(error),
            "retryable": not isinstance(error, Rejected),
            "attempts": claim.attempt,
            "engine_failures": dict(claim.engine_failures),
            **figures(),
        }
        return self._record(Manifest(claim.job, "failed", claim.fence, self._now(), body))

    def close(self, job: Job, stage: str, error: KlipscribeError) -> Manifest:
        """End a job without any engine; an outcome that exists already stands, and is announced again.

        Raises:
            AlreadyInProgress: somebody works on the job.
            Retryable: also when the books of its attempts can't be written.
        """
        try:
            with self.ledger.hold(job, stage) as claim:
                self.accounts.settle(claim)
                spent_usd = self.accounts.earlier_usd(claim)
                manifest = self.fail(claim, error, lambda: {"job_cost_usd": round(spent_usd, 8)})
        except AlreadyCompleted:
            manifest = self.recorded(job)
        self.announce(manifest)
        return manifest

    def recorded(self, job: Job) -> Manifest:
        """The manifest of a job that was said to be complete."""
        manifest = self.ledger.manifest(job)
        if manifest is None:
            raise LookupError(f"job {job.id} was said to be complete, and has no manifest")
        return manifest

    def announce(self, manifest: Manifest) -> None:
        """Promote the files and publish the event; safe to repeat."""
        overtaken = [self._promote(manifest, file) for file in manifest.files]
        superseded = any(overtaken) or manifest.body.get("code") == "superseded"
        self.publisher.publish(self.completed_topic, events.terminal(manifest, superseded=superseded))
        self.ledger.mark_announced(manifest.job)

    def _now(self) -> str:
        return self.clock.now().isoformat()

    def _record(self, manifest: Manifest) -> Manifest:
        self.ledger.finish(manifest)
        return manifest

    def _stage(self, claim: Claim, kind: Kind, file: OutputFile) -> PlacedFile:
        staged = f"runs/{claim.job.id}/{claim.job.run}/{claim.fence}/{kind}"
        self.store.write(self.state_bucket, staged, file.data, content_type=file.content_type)
        return PlacedFile(kind, staged, self.transcript_bucket, file.name, file.content_type)

    def _promote(self, manifest: Manifest, file: PlacedFile) -> bool:
        """Copy to the public name unless the files of something newer are there: True when they are."""
        labels = _labels(manifest)
        for _ in range(PROMOTE_TRIES):
            current = self.store.stat(file.bucket, file.name)
            if current and _age(current.metadata) > _age(labels):
                return True
            if current and current.metadata.get(JOB_KEY) == labels[JOB_KEY]:
                return False
            try:
                self.store.write(
                    file.bucket,
                    file.name,
                    self.store.read(self.state_bucket, file.staged),
                    content_type=file.content_type,
                    metadata=labels,
                    if_generation_match=current.generation if current else 0,
                )
            except PreconditionFailed:
                continue
            return False
        raise Retryable(
            f"{file.uri}: others kept writing to it, {PROMOTE_TRIES} tries", code="storage_unavailable"
        )


def _labels(manifest: Manifest) -> dict[str, str]:
    """What a public file says of its origin."""
    job = manifest.job
    return {
        GENERATION_KEY: str(job.audio.generation),
        RUN_KEY: str(job.run),
        JOB_KEY: f"{job.id}/{job.run}/{manifest.fence}",
    }


def _age(labels: Mapping[str, str]) -> tuple[int, int]:
    """Generation first, then run: the greater one is the newer one. A file without labels is the oldest."""
    return int(labels.get(GENERATION_KEY, 0)), int(labels.get(RUN_KEY, 0))


def exhausted(engine: str, failures: int) -> EngineFailed:
    """The failure of an engine that has had its chances in earlier attempts."""
    return EngineFailed(
        f"{engine} failed on this job before, or ended with it, counted as {failures}", deterministic=True
    )
