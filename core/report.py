"""What a month came to, summed from its attempts."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.attempts import Attempt
from core.cost import Part


@dataclass(frozen=True, slots=True)
class EngineSums:
    """What one engine did, in all attempts.

    Args:
        uses: how often it was asked.
        heard_s: seconds of audio whose words it delivered.
        active_s: for Parakeet its share of instances' time, for Deepgram the seconds that were waited.
        usd: what it cost.
    """

    uses: int
    heard_s: float
    active_s: float
    usd: float


@dataclass(frozen=True, slots=True)
class DaySums:
    """What one day came to; attempts belong to the day of their claim.

    Args:
        attempts: how many.
        completed: how many of them completed their job.
        usd: what they cost.
        deepgram_usd: what Deepgram would have charged for the audio that they delivered.
    """

    attempts: int
    completed: int
    usd: float
    deepgram_usd: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a month came to.

    Args:
        month: such as 2026-11.
        attempts: how many.
        jobs: how many runs of jobs they belong to.
        audio_s: seconds of audio delivered, each job once.
        usd: what all attempts cost.
        maybe_usd: what Deepgram may charge on top, for requests that it never answered.
        deepgram_usd: what Deepgram would have charged for the audio delivered, each job once.
        by_engine: sums by engine.
        by_day: sums by day, in order.
        endings: attempts by how they ended.
        wake_ups: how often an instance was started.
        instance_s: seconds of instances that were paid.
        start_share: how much of that was starting.
        idle_share: how much of that was waiting for work, tails included.
        dear: attempts over the threshold.
        estimates: attempts of which only a bound is known.
    """

    month: str
    attempts: int
    jobs: int
    audio_s: float
    usd: float
    maybe_usd: float
    deepgram_usd: float
    by_engine: Mapping[str, EngineSums]
    by_day: Mapping[str, DaySums]
    endings: Mapping[str, int]
    wake_ups: int
    instance_s: float
    start_share: float
    idle_share: float
    dear: int
    estimates: int

    @property
    def savings_usd(self) -> float:
        """Computed, never assumed; below 0 when Deepgram alone would have been cheaper."""
        return self.deepgram_usd - self.usd

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "savings_usd": self.savings_usd}


def report(month: str, attempts: Iterable[Attempt]) -> Report:
    """Sum a month's attempts."""
    every = list(attempts)
    parts = [part for attempt in every for part in attempt.parts]
    delivered = _delivered(every)
    instance_s = sum(part.instance_s for part in parts)
    idle_s = sum(part.usage.idle_s + part.tail_s for part in parts)
    return Report(
        month=month,
        attempts=len(every),
        jobs=len({(attempt.job_id, attempt.run) for attempt in every}),
        audio_s=sum(attempt.audio_s for attempt in delivered),
        usd=sum(attempt.usd for attempt in every),
        maybe_usd=sum(attempt.maybe_usd for attempt in every),
        deepgram_usd=sum(attempt.deepgram_usd for attempt in delivered),
        by_engine=_by_engine(parts),
        by_day=_by_day(every, delivered),
        endings=dict(sorted(Counter(attempt.ending for attempt in every).items())),
        wake_ups=sum(part.usage.cold_start_s > 0 for part in parts),
        instance_s=instance_s,
        start_share=_share(sum(part.usage.cold_start_s for part in parts), instance_s),
        idle_share=_share(idle_s, instance_s),
        dear=sum(attempt.is_dear for attempt in every),
        estimates=sum(attempt.is_estimate for attempt in every),
    )


def _delivered(attempts: Iterable[Attempt]) -> Sequence[Attempt]:
    """One completed attempt of each run: a process that dies just before the outcome leaves a second."""
    last = {(one.job_id, one.run): one for one in attempts if one.ending == "completed"}
    return list(last.values())


def _by_engine(parts: Sequence[Part]) -> dict[str, EngineSums]:
    groups: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        groups[part.usage.runner].append(part)
    return {
        runner: EngineSums(
            uses=len(group),
            heard_s=sum(part.usage.heard_s for part in group),
            active_s=sum(part.usage.active_s for part in group),
            usd=sum(part.usd for part in group),
        )
        for runner, group in sorted(groups.items())
    }


def _by_day(attempts: Iterable[Attempt], delivered: Sequence[Attempt]) -> dict[str, DaySums]:
    days: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        days[f"{attempt.claimed:%Y-%m-%d}"].append(attempt)
    counted = {id(attempt) for attempt in delivered}
    return {
        day: DaySums(
            attempts=len(group),
            completed=sum(id(one) in counted for one in group),
            usd=sum(one.usd for one in group),
            deepgram_usd=sum(one.deepgram_usd for one in group if id(one) in counted),
        )
        for day, group in sorted(days.items())
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
