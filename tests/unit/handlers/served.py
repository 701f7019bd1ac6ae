"""A file to serve: one function with a defect, and one that loses its engine."""

import os
import threading
from functools import partial

from flask import Request, Response

from handlers.envelope import Delivery
from handlers.life import Life, end_process
from handlers.outcome import answer


def defect(request: Request) -> Response:
    def handle(delivery: Delivery) -> None:
        raise ZeroDivisionError

    def record(body: bytes, reason: str) -> None:
        raise AssertionError(reason)

    return answer(request, handle, record)


LIFE = Life(end=partial(end_process, 0.5))


def losing(request: Request) -> Response:
    """POST loses the engine, in which a thread hangs; GET tells the process."""
    if request.method == "POST":
        threading.Thread(target=threading.Event().wait).start()
        with LIFE.request():
            LIFE.doom("engine_lost")
    return Response(str(os.getpid()))
