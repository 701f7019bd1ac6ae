"""Spans of time in a row, made to fit: in order, none without length, none past the end."""

from collections.abc import Iterable
from math import inf

Span = tuple[float, float]


def fitted(spans: Iterable[Span], *, least: float, limit: float, longest: float = inf) -> list[Span]:
    """Each span later where needed to start at its predecessor's end, then earlier where it passes the limit.

    Shapes: as many spans out as in. Any unit; whole numbers stay whole.

    Args:
        spans: (start, end) in order of start.
        least: the length that every span is given. All of them must have room before the limit.
        limit: where the last one ends at the latest.
        longest: the length at which a span is cut.
    """
    pushed: list[Span] = []
    free: float = 0
    for given_start, given_end in spans:
        start = max(given_start, free)
        free = min(max(given_end, start + least), start + longest)
        pushed.append((start, free))
    pulled: list[Span] = []
    for start, given_end in reversed(pushed):
        end = min(given_end, limit)
        limit = min(start, end - least)
        pulled.append((limit, end))
    return pulled[::-1]
