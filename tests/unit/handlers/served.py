"""A file to serve, with one function that has a defect."""

from flask import Request, Response

from handlers.envelope import Delivery
from handlers.outcome import answer


def defect(request: Request) -> Response:
    def handle(delivery: Delivery) -> None:
        raise ZeroDivisionError

    def record(body: bytes, reason: str) -> None:
        raise AssertionError(reason)

    return answer(request, handle, record)
