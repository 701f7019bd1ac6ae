"""How often and how long to try again: tenacity, with time as a port so that no test sleeps."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.stop import stop_base
from tenacity.wait import wait_base, wait_exponential_jitter

from core.ports import Clock


def retrying(  # noqa: PLR0913 - a policy has this many numbers, each with its default
    clock: Clock,
    tries: int,
    *,
    on: type[BaseException] | tuple[type[BaseException], ...],
    first_s: float = 1.0,
    cap_s: float = 30.0,
    budget_s: float = math.inf,
    try_s: float = 0.0,
) -> Retrying:
    """A policy for one operation: `retrying(...)(function)` calls it until it returns or the policy ends.

    The last failure is raised as it is. Make a new policy for each operation: its budget starts here.

    Args:
        clock: sleeps between the tries, and measures the budget.
        tries: how often the function is called at most.
        on: which failures are worth another try; all others leave at once.
        first_s: the first wait; each next one is twice as long, plus up to `first_s` of chance so that
            callers who failed together do not return together.
        cap_s: the longest wait, also where the failure asks for more by an attribute `retry_after_s`.
        budget_s: no try begins that could end later than this, counted from now.
        try_s: the longest that one try can take, its own timeouts included.
    """
    return Retrying(
        sleep=lambda seconds: clock.sleep(float(seconds)),
        retry=retry_if_exception_type(on),
        wait=_backoff_or_as_asked(first_s, cap_s),
        stop=stop_after_attempt(tries) | _out_of(clock, budget_s - try_s),
        reraise=True,
    )


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3); None when absent or unreadable."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


class _backoff_or_as_asked(wait_base):  # noqa: N801 - tenacity's policies read as words
    """Exponential, or as long as the failure itself asks for when that is longer."""

    def __init__(self, first_s: float, cap_s: float) -> None:
        self._backoff = wait_exponential_jitter(multiplier=first_s, max=cap_s, jitter=first_s)
        self._cap_s = cap_s

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked_s = getattr(error, "retry_after_s", None) or 0.0
        return min(self._cap_s, max(float(asked_s), self._backoff(retry_state)))


class _out_of(stop_base):  # noqa: N801 - tenacity's policies read as words
    """Stop where the next try would begin later than the budget allows."""

    def __init__(self, clock: Clock, budget_s: float) -> None:
        self._now: Callable[[], float] = clock.monotonic
        self._last_start_s = clock.monotonic() + budget_s

    def __call__(self, retry_state: RetryCallState) -> bool:
        return self._now() + retry_state.upcoming_sleep > self._last_start_s
