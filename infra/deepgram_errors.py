"""Deepgram's failures in Klipscribe's words: one table, so that no exception of the SDK goes further.

Status codes and error codes: https://developers.deepgram.com/docs/errors, read 2026-11.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
from deepgram.core.api_error import ApiError
from deepgram.core.parse_error import ParsingError

from core.errors import Code, EngineFailed, KlipscribeError, Retryable
from infra.retry import retry_after_s

# What the SDK says of an answer that came whole, and that it can't read.
UNREADABLE = (ApiError, ParsingError, UnicodeDecodeError)
VENDOR_ERRORS = (*UNREADABLE, httpx.HTTPError, httpx.InvalidURL)

_LATER: Mapping[int, Code] = {408: "network_unavailable", 429: "quota_exceeded"}
_GATEWAY = (502, 504)
# What no other file would change, so that the engine itself counts as down.
_ACCOUNT: Mapping[int, str] = {
    401: "DEEPGRAM_API_KEY",
    402: "the balance of the project that DEEPGRAM_API_KEY belongs to",
    403: "that the project of DEEPGRAM_API_KEY may use this model",
}
_OURS = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_PLAIN = re.compile(r"[\w .-]{1,60}", re.ASCII)


class DeepgramBusy(Retryable):
    """Deepgram could not be reached or asks to come back later.

    Args:
        message: what happened, without key, URL and body.
        code: network_unavailable or quota_exceeded.
        retry_after_s: the wait that Deepgram asks for.
        maybe_billed: the request was sent, and Deepgram may do the work and charge for it all the same.
    """

    def __init__(
        self,
        message: str,
        *,
        code: Code = "network_unavailable",
        retry_after_s: float | None = None,
        maybe_billed: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s
        self.maybe_billed = maybe_billed


class UrlUnread(DeepgramBusy):
    """Deepgram could not fetch the signed URL; the bytes themselves may still reach it."""


class MaybeBilled(EngineFailed):
    """There was an answer, which could not be taken: Deepgram may charge for it."""

    maybe_billed = True


def overdue(timeout_s: float) -> DeepgramBusy:
    """The whole answer did not come in time."""
    return DeepgramBusy(f"Deepgram: no whole answer within {timeout_s:g} s", maybe_billed=True)


def translated(error: Exception, now: datetime) -> KlipscribeError:
    """What one of VENDOR_ERRORS means here. Neither the key, a URL nor a body enters the message."""
    if isinstance(error, ApiError) and error.status_code is not None:
        return _of_status(error.status_code, error.body, error.headers or {}, now)
    if isinstance(error, _OURS):
        return _refused(f"the request was not sent ({type(error).__name__}): check Deepgram's URL and key")
    if isinstance(error, httpx.HTTPError):
        return DeepgramBusy(f"Deepgram: {type(error).__name__}", maybe_billed=not isinstance(error, _UNSENT))
    return MaybeBilled("Deepgram's answer is not readable as JSON", code="engine_bad_result")


def _of_status(status: int, body: Any, headers: Mapping[str, str], now: datetime) -> KlipscribeError:
    said = f"Deepgram answered {status}{_named(body)}"
    if status in _LATER or status >= 500:
        return DeepgramBusy(
            said,
            code=_LATER.get(status, "network_unavailable"),
            retry_after_s=retry_after_s(headers.get("retry-after"), now),
            maybe_billed=status in _GATEWAY,
        )
    if isinstance(body, dict) and body.get("err_code") == "REMOTE_CONTENT_ERROR":
        return UrlUnread(said)
    if status in _ACCOUNT:
        return EngineFailed(
            f"{said}: check {_ACCOUNT[status]}", code="engine_unauthorized", deterministic=True
        )
    what = "audio of more than 2 GB" if status == 413 else "this audio, or this request"
    return _refused(f"{said}: it does not take {what}")


def _refused(message: str) -> EngineFailed:
    return EngineFailed(message, code="engine_refused", deterministic=True)


def _named(body: Any) -> str:
    """Error code and request id, which Deepgram's support asks for; its free text may quote a URL."""
    fields = [body.get("err_code"), body.get("request_id")] if isinstance(body, dict) else []
    plain = [field for field in fields if isinstance(field, str) and _PLAIN.fullmatch(field)]
    return f" ({', '.join(plain)})" if plain else ""
