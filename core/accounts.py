"""Keeps the books: one record for each attempt, written before anybody can see how the attempt ended."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Protocol

from core.attempts import SERVICES, Attempt, Ending, Finding, Tariff, with_debts
from core.billing import Bill
from core.errors import AlreadyInProgress, KlipscribeError
from core.jobs import Claim
from core.ports import Clock


class Books(Protocol):
    """What each attempt cost. All methods raise Retryable."""

    def record(self, attempt: Attempt) -> bool:
        """Enter an attempt unless it is there; whether it was entered now.

        Only what others said of an attempt that they took for dead is replaced by its own word.
        """
        ...

    def find(self, job_id: str, run: int, fence: int, claimed: datetime) -> Attempt | None:
        """One attempt, if it was entered."""
        ...

    def of_month(self, month: str) -> Iterable[Attempt]:
        """All attempts that were claimed in a month such as 2026-11, by day."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounts:
    """Enters attempts in the books.

    Args:
        books: where they are kept.
        clock: tells when an attempt ended.
        tariff: prices them.
        note: is told of each attempt that was entered, once.
    """

    books: Books
    clock: Clock
    tariff: Tariff
    note: Callable[[Attempt], None]

    def sheet(self, claim: Claim, service: str) -> "Sheet":
        """Where the attempt of this claim gathers what it uses; its block ends with it entered."""
        return Sheet(self, claim, service)

    def settle(self, claim: Claim) -> None:
        """Enter the earlier attempts that ended without a word: their processes died, or the books were away.

        Raises:
            Retryable: the books can't be written.
        """
        for tenure in claim.earlier:
            if not tenure.entered and tenure.engine in SERVICES:
                self.enter(self.tariff.abandoned(claim.job, tenure))
        claim.earlier = tuple(replace(tenure, entered=True) for tenure in claim.earlier)

    def earlier(self, claim: Claim) -> Sequence[Attempt]:
        """The attempts of the run before this one, from the books. Raises Retryable."""
        job = claim.job
        found = (self.books.find(job.id, job.run, past.fence, past.claimed) for past in claim.earlier)
        return [attempt for attempt in found if attempt is not None]

    def earlier_usd(self, claim: Claim) -> float:
        """What the attempts of the run before this one cost. Raises Retryable."""
        return sum(attempt.usd for attempt in self.earlier(claim))

    def enter(self, attempt: Attempt) -> None:
        """Enter an attempt; a repetition is harmless. Raises Retryable."""
        if self.books.record(attempt):
            self.note(attempt)


class Sheet:
    """What one attempt has used so far. Its block ends with the attempt in the books, however it ends.

    Attributes:
        bill: for the engines.
        method: the route, once it is known.
        audio_s: seconds of audio of the file, once they are known.
    """

    def __init__(self, accounts: Accounts, claim: Claim, service: str) -> None:
        self._accounts, self._claim, self._service = accounts, claim, service
        self.bill = Bill()
        self.method = ""
        self.audio_s = 0.0

    def enter(self, ending: Ending, code: str = "") -> Attempt:
        """Enter the attempt, ahead of its outcome. Raises Retryable."""
        accounts, claim = self._accounts, self._claim
        usages = with_debts(self.bill.usages, accounts.earlier(claim))
        finding = Finding(ending, code, self.method, self.audio_s, usages)
        attempt = accounts.tariff.attempt(claim, self._service, accounts.clock.now(), finding)
        accounts.enter(attempt)
        claim.entered = True
        return attempt

    def __enter__(self) -> "Sheet":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None and not self._claim.entered:
            self.enter("overtaken" if isinstance(error, AlreadyInProgress) else "retried", _code(error))


def _code(error: BaseException) -> str:
    """The code of an error; that of one which nobody raised on purpose is its class."""
    return error.code if isinstance(error, KlipscribeError) else type(error).__name__
