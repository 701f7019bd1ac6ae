"""What an outcome of a use case means for the message: the only place that decides between ack and nack.

| raised | answer | the message |
|---|---|---|
| nothing | 204 | acked: the result is durable |
| MalformedMessage | 204 | recorded, then acked: no delivery of it can ever succeed |
| Retryable, AlreadyInProgress | 503 | nacked: delivered again after a backoff, dead-lettered at the end |
| RecordRefused | 503 | nacked: mends when the key or the URL does; parked at the end |
| EngineFailed | 503 | nacked: the engine has another try; the ledger counts |
| anything else | 500 by the framework | nacked: a defect, seen in the error log |

A malformed message that could not be recorded is nacked as well.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from flask import Request, Response

from core.errors import AlreadyInProgress, EngineFailed, MalformedMessage, RecordRefused, Retryable
from handlers.envelope import Delivery, parse
from infra.log import context

log = logging.getLogger("klipscribe")

Handle = Callable[[Delivery], None]
RecordMalformed = Callable[[bytes, str], None]

ACK = 204
NACK = 503


def answer(request: Request, handle: Handle, record_malformed: RecordMalformed) -> Response:
    """Read one push, let the handler work, and answer as the table says."""
    body = request.get_data()

    def work() -> None:
        delivery = parse(dict(request.headers), body)
        stack.enter_context(context(**_about(delivery, request)))
        handle(delivery)

    # The context outlives the work, so that the lines about its end name the job too.
    with ExitStack() as stack:
        return _settled(work, partial(record_malformed, body))


def _settled(work: Callable[[], None], record: Callable[[str], None]) -> Response:
    try:
        _or_recorded(work, record)
    except (Retryable, AlreadyInProgress, EngineFailed, RecordRefused) as error:
        log.warning("to be delivered again: %s", error, extra={"code": error.code})
        return Response(error.code, status=NACK)
    except Exception as error:
        # The framework logs the trace, without knowing the job.
        log.error("a defect: %s", type(error).__name__)  # noqa: TRY400 - its trace follows
        raise
    return Response(status=ACK)


def _or_recorded(work: Callable[[], None], record: Callable[[str], None]) -> None:
    try:
        work()
    except MalformedMessage as error:
        # A sentence says it all; the trace of our own parser would add nothing.
        log.error("malformed message: %s", error, extra={"code": error.code})  # noqa: TRY400
        record(str(error))


def _about(delivery: Delivery, request: Request) -> dict[str, str]:
    return {
        "job_id": delivery.job_id,
        "event_id": delivery.id,
        "trace": request.headers.get("traceparent", "") or delivery.attributes.get("traceparent", ""),
        "attempt": str(delivery.attempt),
    }
