"""The only file that is served; every function of the service is a target of it.

functions-framework --source handlers/main.py --target ingest|transcribe|fallback|notify|dead_letter

GET answers health, POST takes a push. Serving another file would load a second copy of the module, and so a
second model.
"""

from collections.abc import Callable
from functools import partial

from flask import Request, Response, jsonify

from core.events import FALLBACK_REQUESTED, REQUESTED
from handlers import bootstrap
from handlers import dead_letter as on_dead_letter
from handlers import ingest as on_ingest
from handlers import notify as on_notify
from handlers import transcribe as on_transcribe
from handlers.breakers import Breakers
from handlers.life import Life
from handlers.outcome import Handle, answer

# What is wrong with the settings stops the start, where a deployment sees it, and not the first request.
bootstrap.checked_settings()


def ingest(request: Request) -> Response:
    """Takes storage's events about new objects."""
    return serve(request, "ingest", lambda: partial(on_ingest.handle, bootstrap.reception()))


def transcribe(request: Request) -> Response:
    """Takes requests for the GPU."""
    return serve(
        request, "transcribe", lambda: partial(on_transcribe.handle, bootstrap.transcription(), REQUESTED)
    )


def fallback(request: Request) -> Response:
    """Takes requests for Deepgram."""
    return serve(
        request, "fallback", lambda: partial(on_transcribe.handle, bootstrap.fallback(), FALLBACK_REQUESTED)
    )


def notify(request: Request) -> Response:
    """Takes progress and outcomes to the database of videos."""
    return serve(request, "notify", lambda: partial(on_notify.handle, bootstrap.notification()))


def dead_letter(request: Request) -> Response:
    """Takes what other subscriptions gave up."""
    return serve(request, "dead_letter", lambda: partial(on_dead_letter.handle, bootstrap.dead_letters()))


def serve(request: Request, service: str, wired: Callable[[], Handle], life: Life | None = None) -> Response:
    """Answer one request; once the process is to end, a push is refused before it claims anything."""
    life = life or bootstrap.life()
    if request.method in {"GET", "HEAD"} or (request.method == "POST" and life.reason):
        return health(service, life)
    if request.method != "POST":
        return Response(status=405, headers={"Allow": "GET, HEAD, POST"})
    with life.request():
        return answer(request, wired(), bootstrap.dead_letters().record_malformed)


def health(service: str, life: Life, breakers: Breakers | None = None) -> Response:
    """200 while all is well; 503 with the reason once the process is to end.

    An engine that rests does not make health red: another process would meet the same trouble.
    """
    reason, engines = life.reason, (breakers or bootstrap.breakers()).to_json()
    said = {"status": reason or "ok", "service": service}
    response = jsonify({**said, "engines": engines} if engines else said)
    response.status_code = 503 if reason else 200
    return response
