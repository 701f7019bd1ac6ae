"""The month's budget, and what happens to new files once it is spent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

WhenSpent = Literal["park", "cheapest"]
"""park: new files wait for more budget. cheapest: they take the cheapest route that is allowed."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent in a month.

    Attempts count once they are entered: files that are underway when the budget is spent go over it.

    Args:
        month_usd: the budget; 0 is spent from the start.
        when_spent: what then becomes of new files.
        spent_usd: what the month's attempts cost so far; may be a minute old. Raises Retryable.
    """

    month_usd: float
    when_spent: WhenSpent
    spent_usd: Callable[[], float]

    def parks(self) -> bool:
        """Whether a new file has to wait. Raises Retryable."""
        return self.when_spent == "park" and self._is_spent()

    def saves(self) -> bool:
        """Whether nothing but the cost decides between the routes that are allowed. Raises Retryable."""
        return self.when_spent == "cheapest" and self._is_spent()

    def _is_spent(self) -> bool:
        return self.spent_usd() >= self.month_usd
