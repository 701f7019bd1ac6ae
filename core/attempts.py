"""The record of one attempt at a job: who worked, how it ended, and what it cost at which rates."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from core.billing import Usage
from core.cost import Part, Prices, rtfx
from core.jobs import Claim, Job, Tenure

Ending = Literal["completed", "failed", "handed_over", "retried", "overtaken", "abandoned"]
"""How an attempt ended, as it was about to say itself.

completed, failed: it wrote the job's outcome. handed_over: it left the job to the other engine. retried: it
left the job to its next delivery. overtaken: another attempt had taken the job from it. abandoned: its
process died, or lost its way, and who took the job over says so.
"""

SERVICES = ("parakeet", "deepgram")
"""Who makes attempts, by the name under which their failures are counted."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt.

    Args:
        job_id: of the job.
        run: of the job.
        fence: of the attempt; job, run and fence name it.
        video_id: of the video.
        service: who made it: parakeet is the GPU service, deepgram the fallback.
        claimed: when it began, by the store's clock; this dates the cost.
        ended: when it was entered.
        ending: how it ended.
        code: why it did not complete; empty when it did.
        method: the route that it took; empty when it got none.
        audio_s: seconds of audio of the file; 0 where the attempt did not get to know.
        parts: what each engine did, with its cost.
        deepgram_usd: what Deepgram would have charged for the audio that the attempt delivered.
        is_dear: it cost more for an hour of audio than the threshold.
        rates: the rates that were used, with their dates.
    """

    job_id: str
    run: int
    fence: int
    video_id: str
    service: str
    claimed: datetime
    ended: datetime
    ending: Ending
    code: str
    method: str
    audio_s: float
    parts: tuple[Part, ...]
    deepgram_usd: float
    is_dear: bool
    rates: Mapping[str, Any]

    @property
    def usd(self) -> float:
        """What the attempt cost."""
        return sum(part.usd for part in self.parts)

    @property
    def maybe_usd(self) -> float:
        """What Deepgram may charge on top: it was asked, and no answer came."""
        return sum(part.maybe_usd for part in self.parts)

    @property
    def billed_s(self) -> float:
        """Seconds of audio that Deepgram charges for."""
        return sum(part.usage.billed_s for part in self.parts)

    @property
    def active_s(self) -> float:
        """Seconds that engines worked: shares of an instance's time, and waiting for Deepgram."""
        return sum(part.usage.active_s for part in self.parts)

    @property
    def is_estimate(self) -> bool:
        """Nobody lived to tell what it used: what is known is a bound, not a measure."""
        return self.ending == "abandoned"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; from_json reads them back."""
        return {
            **{name: getattr(self, name) for name in self.__slots__},
            "schema": 1,
            "claimed": self.claimed.isoformat(),
            "ended": self.ended.isoformat(),
            "parts": [_part_to_json(part) for part in self.parts],
            "usd": self.usd,
            "is_estimate": self.is_estimate,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Attempt":
        """Read what to_json wrote."""
        known = {name: values[name] for name in cls.__slots__}
        known |= {name: datetime.fromisoformat(values[name]) for name in ("claimed", "ended")}
        return cls(**{**known, "parts": tuple(map(_part_from_json, values["parts"]))})


@dataclass(frozen=True, slots=True)
class Finding:
    """How an attempt went, told by who made it.

    Args:
        ending: how it ended.
        code: why it did not complete.
        method: its route.
        audio_s: seconds of audio of the file.
        usages: what the engines did.
    """

    ending: Ending
    code: str = ""
    method: str = ""
    audio_s: float = 0.0
    usages: Sequence[Usage] = ()


@dataclass(frozen=True, slots=True)
class Tariff:
    """How findings are priced.

    Args:
        prices: of what engines did.
        dear_usd_per_hour: what an attempt may cost for an hour of audio before it is called dear.
    """

    prices: Prices
    dear_usd_per_hour: float

    def attempt(self, claim: Claim, service: str, ended: datetime, finding: Finding) -> Attempt:
        """The record of an attempt by who made it."""
        return self._priced(claim.job, (claim.fence, service, claim.claimed), ended, finding)

    def abandoned(self, job: Job, tenure: Tenure) -> Attempt:
        """The record of an attempt by who took the job over.

        Parakeet's is charged for all of the instance from the claim to the last sign of life, although
        others may have shared it; what Deepgram charged, if anything, is known to who finds its answer.
        """
        runner: Literal["parakeet", "deepgram"] = "deepgram" if tenure.engine == "deepgram" else "parakeet"
        usage = Usage(runner, "", active_s=(tenure.seen - tenure.claimed).total_seconds())
        finding = Finding("abandoned", code="engine_lost", usages=(usage,))
        return self._priced(job, (tenure.fence, tenure.engine, tenure.claimed), tenure.seen, finding)

    def _priced(
        self, job: Job, name: tuple[int, str, datetime], ended: datetime, finding: Finding
    ) -> Attempt:
        parts = tuple(map(self.prices.priced, finding.usages))
        heard_s = sum(usage.heard_s for usage in finding.usages) if finding.ending == "completed" else 0.0
        usd, audio_s = sum(part.usd for part in parts), finding.audio_s
        fence, service, claimed = name
        return Attempt(
            job_id=job.id,
            run=job.run,
            fence=fence,
            video_id=job.video_id,
            service=service,
            claimed=claimed,
            ended=ended,
            ending=finding.ending,
            code=finding.code,
            method=finding.method,
            audio_s=audio_s,
            parts=parts,
            # Parts of a file share some audio, for which Deepgram alone would have charged once.
            deepgram_usd=self.prices.deepgram_usd(min(heard_s, audio_s)),
            is_dear=audio_s > 0 and usd * 3600 > self.dear_usd_per_hour * audio_s,
            rates=self.prices.rates.dated(),
        )


def with_debts(usages: Sequence[Usage], earlier: Sequence[Attempt]) -> tuple[Usage, ...]:
    """Usages, charged with what a process paid to Deepgram before it died.

    Its record knows nothing of that, but the answer that it kept is found by who comes after it: what such
    answers cost beyond what the records tell is charged to who finds them.
    """
    if not any(attempt.is_estimate for attempt in earlier):
        return tuple(usages)
    owed_s = sum(usage.kept_s for usage in usages) - sum(attempt.billed_s for attempt in earlier)
    charged = []
    for usage in usages:
        debt_s = max(0.0, min(usage.kept_s, owed_s))
        owed_s -= debt_s
        charged.append(replace(usage, billed_s=usage.billed_s + debt_s))
    return tuple(charged)


def figures(attempt: Attempt, earlier_usd: float) -> dict[str, Any]:
    """What the terminal event says of money and time; the schema describes each field.

    Args:
        attempt: the one that wrote the outcome.
        earlier_usd: what the run's attempts before it cost.
    """
    job_usd = attempt.usd + earlier_usd
    return {
        "cost_usd": round(attempt.usd, 8),
        "job_cost_usd": round(job_usd, 8),
        "deepgram_usd": round(attempt.deepgram_usd, 8),
        "savings_usd": round(attempt.deepgram_usd - job_usd, 8),
        "is_dear": attempt.is_dear,
        "parts": [_part_to_json(part) for part in attempt.parts],
    }


def speed(attempt: Attempt) -> dict[str, Any]:
    """The audio's length, the engines' time for it, and their ratio."""
    return {
        "audio_s": round(attempt.audio_s, 3),
        "processing_s": round(attempt.active_s, 3),
        "rtfx": round(rtfx(attempt.audio_s, attempt.active_s), 2) if attempt.active_s > 0 else None,
    }


def _part_to_json(part: Part) -> dict[str, Any]:
    return {**asdict(part.usage), "tail_s": part.tail_s, "usd": part.usd, "maybe_usd": part.maybe_usd}


def _part_from_json(values: Mapping[str, Any]) -> Part:
    # A record from before a field was added has its default.
    usage = {name: values[name] for name in Usage.__slots__ if name in values}
    return Part(Usage(**usage), values["tail_s"], values["usd"], values.get("maybe_usd", 0.0))
