"""A file to serve: one function with a defect, and one that loses its engine."""

import os

from flask import Request, Response

from handlers.envelope import Delivery
from handlers.life import Life
from handlers.outcome import answer


def defect(request: Request) -> Response:
    def handle(delivery: Delivery) -> None:
        raise ZeroDivisionError

    def record(body: bytes, reason: str) -> None:
        raise AssertionError(reason)

    return answer(request, handle, record)


LIFE = Life()


def losing(request: Request) -> Response:
    """POST loses the engine, GET tells the process."""
    if request.method == "POST":
        with LIFE.request():
            LIFE.doom("engine_lost")
    return Response(str(os.getpid()))
