"""How a decision came about: each method, what it would take and cost, and which rule took it away."""

from dataclasses import dataclass
from typing import Any

from core.routes import (
    EngineFacts,
    FileFacts,
    Method,
    Prediction,
    Reason,
    RoutingPolicy,
    predict,
    score_usd,
)
from core.routing_rules import METHODS, Options, Rule, steps


@dataclass(frozen=True, slots=True)
class Row:
    """One method.

    Args:
        method: which.
        prediction: what it would take and cost.
        score_usd: its cost with waiting, by which methods are compared.
        place: 1 for the one that is taken, 2 for the next; 0 when a rule took it away.
        rule: the rule that did; empty when none did.
        reason: why; None when none did.
    """

    method: Method
    prediction: Prediction
    score_usd: float
    place: int = 0
    rule: str = ""
    reason: Reason | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        why = {"code": self.reason.code, "sentence": self.reason.sentence} if self.reason else None
        return {
            "method": self.method,
            "place": self.place,
            "predicted_s": self.prediction.seconds,
            "predicted_cost_usd": self.prediction.usd,
            "score_usd": self.score_usd,
            "rule": self.rule,
            "reason": why,
        }


def decision_table(file: FileFacts, engines: EngineFacts, policy: RoutingPolicy) -> tuple[Row, ...]:
    """A row for every method: those that are left by preference, then the others."""
    gone: dict[Method, tuple[str, Reason]] = {}
    before = Options(METHODS)
    for rule, after in steps(file, engines, policy):
        for method in before.methods:
            if method not in after.methods:
                gone[method] = _named(rule), _why(before, after, method)
        before = after
    rows = [_row(method, file, engines, policy, place) for place, method in enumerate(before.methods, 1)]
    for method, (rule_name, reason) in gone.items():
        rows.append(_row(method, file, engines, policy, 0, rule_name, reason))
    return tuple(rows)


def _row(  # noqa: PLR0913, PLR0917 - private; what a row is made of
    method: Method,
    file: FileFacts,
    engines: EngineFacts,
    policy: RoutingPolicy,
    place: int,
    rule: str = "",
    reason: Reason | None = None,
) -> Row:
    prediction = predict(method, file, engines, policy)
    return Row(method, prediction, score_usd(prediction, file, policy), place, rule, reason)


def _named(rule: Rule) -> str:
    return rule.__name__.strip("_")


def _why(before: Options, after: Options, method: Method) -> Reason:
    """The reason that the rule gave; of several, the one that speaks of the method."""
    new = after.reasons[len(before.reasons) :]
    if not new:
        return Reason("gpu_present", "there is a GPU, so the CPU is left alone")
    return next((reason for reason in new if reason.sentence.startswith(f"{method} ")), new[0])
