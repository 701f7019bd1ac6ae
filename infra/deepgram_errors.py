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

VENDOR_ERRORS = (ApiError, ParsingError, httpx.HTTPError, httpx.InvalidURL, UnicodeDecodeError)

_LATER: Mapping[int, Code] = {408: "network_unavailable", 429: "quota_exceeded"}
_CHECK: Mapping[int, str] = {
    401: "check DEEPGRAM_API_KEY",
    402: "check the balance of the project that DEEPGRAM_API_KEY belongs to",
    403: "check that the project of DEEPGRAM_API_KEY may use this model",
}
_OURS = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)
_PLAIN = re.compile(r"[\w .-]{1,60}", re.ASCII)


class DeepgramBusy(Retryable):
    """Deepgram could not be reached or asks to come back later."""

    def __init__(self, message: str, *, code: Code, retry_after_s: float | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class UrlUnread(DeepgramBusy):
    """Deepgram could not fetch the signed URL; the bytes themselves may still reach it."""


def translated(error: Exception, now: datetime) -> KlipscribeError:
    """What one of VENDOR_ERRORS means here. Neither the key, a URL nor a body enters the message."""
    if isinstance(error, ApiError) and error.status_code is not None:
        return _of_status(error.status_code, error.body, error.headers or {}, now)
    if isinstance(error, _OURS):
        return _refused(f"the request was not sent ({type(error).__name__}): check Deepgram's URL and key")
    if isinstance(error, httpx.HTTPError):
        return DeepgramBusy(f"Deepgram: {type(error).__name__}", code="network_unavailable")
    return EngineFailed("Deepgram's answer is not readable as JSON", code="engine_bad_result")


def _of_status(status: int, body: Any, headers: Mapping[str, str], now: datetime) -> KlipscribeError:
    said = f"Deepgram answered {status}{_named(body)}"
    if status < 300:
        return EngineFailed(f"{said} without JSON", code="engine_bad_result")
    if status in _LATER or status >= 500:
        after_s = retry_after_s(headers.get("retry-after"), now)
        return DeepgramBusy(said, code=_LATER.get(status, "network_unavailable"), retry_after_s=after_s)
    if isinstance(body, dict) and body.get("err_code") == "REMOTE_CONTENT_ERROR":
        return UrlUnread(said, code="network_unavailable")
    return _refused(f"{said}: {_CHECK.get(status, 'it takes neither this audio nor this request')}")


def _refused(message: str) -> EngineFailed:
    return EngineFailed(message, code="engine_refused", deterministic=True)


def _named(body: Any) -> str:
    """Error code and request id, which Deepgram's support asks for; its free text may quote a URL."""
    fields = [body.get("err_code"), body.get("request_id")] if isinstance(body, dict) else []
    plain = [field for field in fields if isinstance(field, str) and _PLAIN.fullmatch(field)]
    return f" ({', '.join(plain)})" if plain else ""
