"""Wires what keeps the books and watches the budget, and says what is worth a line in the log."""

import logging
from dataclasses import replace
from functools import partial

from core.accounts import Accounts
from core.attempts import Attempt, Tariff
from core.budget import Budget
from core.cost import Prices
from core.parking import Parking
from core.ports import Clock, ObjectStore
from core.routing import EngineFacts
from infra.books import ObjectBooks
from infra.gpu import runs_on_gpu
from infra.settings import Settings
from infra.spending import Spending

log = logging.getLogger("klipscribe.costs")


def accounts_in(settings: Settings, store: ObjectStore, clock: Clock) -> Accounts:
    """What enters each attempt in the books."""
    has_gpu = runs_on_gpu(settings.parakeet_device)
    prices = Prices(settings.rates(), settings.deepgram_model, has_gpu=has_gpu)
    return Accounts(
        books=ObjectBooks(store, settings.state_bucket),
        clock=clock,
        tariff=Tariff(prices, settings.cost_threshold_per_hour),
        note=partial(note, settings),
    )


def budget_in(settings: Settings, store: ObjectStore, clock: Clock) -> Budget:
    """The month's budget; one for each process, since it remembers the month's sum for a minute."""
    spending = Spending(store, settings.state_bucket, clock)
    return Budget(settings.monthly_transcription_budget, settings.over_budget, spending.month_usd)


def with_budget(facts: EngineFacts, budget: Budget) -> EngineFacts:
    """The facts of routing, and whether the month's budget is spent. Raises Retryable."""
    return replace(facts, budget_spent=budget.saves())


def parking_in(settings: Settings, store: ObjectStore, clock: Clock) -> Parking:
    """Where files wait for more budget."""
    return Parking(store=store, clock=clock, state_bucket=settings.state_bucket)


def note(settings: Settings, attempt: Attempt) -> None:
    """One line for an attempt if they are wanted, and a warning in any case if it was dear."""
    figures = {
        "metric": "attempt",
        "service": attempt.service,
        "ending": attempt.ending,
        "code": attempt.code,
        "method": attempt.method,
        "fence": attempt.fence,
        "audio_s": round(attempt.audio_s, 3),
        "active_s": round(attempt.active_s, 3),
        "cost_usd": round(attempt.usd, 8),
        "deepgram_usd": round(attempt.deepgram_usd, 8),
        "is_dear": attempt.is_dear,
        "is_estimate": attempt.is_estimate,
    }
    if attempt.is_dear:
        per_hour = attempt.usd * 3600 / attempt.audio_s
        log.warning(
            "an attempt cost %.4f USD per hour of audio, more than COST_THRESHOLD_PER_HOUR=%g",
            per_hour,
            settings.cost_threshold_per_hour,
            extra={**figures, "metric": "dear_attempt", "usd_per_hour": round(per_hour, 6)},
        )
    if settings.log_transcription_costs:
        log.info("an attempt is in the books", extra=figures)
