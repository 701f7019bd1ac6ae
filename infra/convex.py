"""The video records in Convex, over its HTTP API: https://docs.convex.dev/http-api.

What an answer means:

no answer, or none in time         Retryable, network_unavailable
404, 408, 5xx but 560              Retryable, network_unavailable (Convex calls 404 a passing state)
429                                Retryable, quota_exceeded
200 that is not the API's shape    Retryable, network_unavailable
401, 403                           RecordRefused: the deploy key
560, or 200 with status "error"    RecordRefused: the function failed
anything else                      RecordRefused: the URL

The text of an error is shown to people and never decides: Convex may reword it, and redacts it in
production.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from core.errors import KlipscribeError, RecordNotFound, RecordRefused, Retryable
from core.video import check_url_keys

URL_VARIABLE = "CONVEX_URL"
KEY_VARIABLE = "CONVEX_DEPLOY_KEY"
TIMEOUT_S = 15.0
CONNECT_TIMEOUT_S = 5.0

_FUNCTION_FAILED = 560
_SHOWN_CHARACTERS = 200

_FAILURES: Mapping[int, Callable[[str], KlipscribeError]] = {
    401: lambda call: RecordRefused(f"{call}: Convex answered 401, check {KEY_VARIABLE}"),
    403: lambda call: RecordRefused(f"{call}: Convex answered 403, check {KEY_VARIABLE}"),
    404: lambda call: Retryable(f"{call}: Convex answered 404, check {URL_VARIABLE} if it stays so"),
    408: lambda call: Retryable(f"{call}: Convex answered 408"),
    429: lambda call: Retryable(f"{call}: Convex answered 429", code="quota_exceeded"),
}


class ConvexVideos:
    """VideoRecords, kept by Convex functions of the names in the pipeline's contract.

    Args:
        url: of the deployment, as https://NAME.convex.cloud.
        deploy_key: sent with every call when given.
        http: a client to use instead of our own, which asks no proxy for a server on this machine.
        timeout_s: for each of writing the request, waiting for the answer and for more of it.
        connect_timeout_s: for the connection.

    Raises:
        ValueError: the URL or the key can't be one.
    """

    def __init__(
        self,
        url: str,
        deploy_key: str | None = None,
        *,
        http: httpx.Client | None = None,
        timeout_s: float = TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._url = _checked_url(url)
        self._headers = _headers(deploy_key)
        self._secret = (deploy_key or "").strip()
        self._http = http or httpx.Client(trust_env=not _is_loopback(self._url.host))
        self._timeout = httpx.Timeout(timeout_s, connect=connect_timeout_s)

    def status(self, video_id: str) -> str | None:
        """The video's status, empty when it has none yet; None when there is no such video."""
        path = "video:getByTwitchIdPublic"
        video = self._call("query", path, {"twitchId": video_id})
        if video is None:
            return None
        status = _field(path, video, "status")
        if not isinstance(status, str | None):
            raise _unreadable(path, "its status is no text")
        return status or ""

    def set_status(self, video_id: str, status: str) -> None:
        """Write the status, whatever stands: what may follow what is decided in core.video."""
        path = "video:updateStatusByTwitchId"
        value = self._call("mutation", path, {"twitchId": video_id, "status": status})
        _check_success(path, value, video_id)

    def set_urls(self, video_id: str, urls: Mapping[str, str]) -> None:
        """Write where files of the video lie."""
        check_url_keys(urls)
        value = self._call("mutation", "video:updateUrls", {"twitchId": video_id, "urls": dict(urls)})
        if isinstance(value, dict) and value.get("success") is False:
            raise RecordNotFound(video_id)

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _call(self, kind: str, path: str, arguments: Mapping[str, Any]) -> object:
        body = {"path": path, "args": dict(arguments), "format": "json"}
        url = self._url.copy_with(path=f"{self._url.path.rstrip('/')}/api/{kind}")
        try:
            response = self._http.post(url, json=body, headers=self._headers, timeout=self._timeout)
        except httpx.RequestError as error:
            raise Retryable(f"{path}: no answer from Convex ({type(error).__name__})") from error
        return self._value(path, response)

    def _value(self, path: str, response: httpx.Response) -> object:
        if response.status_code not in (httpx.codes.OK, _FUNCTION_FAILED):
            raise _failure(path, response.status_code)
        answer = _json(path, response)
        if response.status_code == _FUNCTION_FAILED or answer.get("status") == "error":
            raise RecordRefused(f"{path}: the function failed on Convex: {self._shown(answer)}")
        if answer.get("status") != "success" or "value" not in answer:
            raise _unreadable(path, "it has no status and value")
        return answer["value"]

    def _shown(self, answer: Mapping[str, Any]) -> str:
        """The first line of the error: further lines may quote arguments."""
        lines = str(answer.get("errorMessage") or "no message").splitlines()
        line = lines[0][:_SHOWN_CHARACTERS]
        return line.replace(self._secret, "***") if self._secret else line


def _failure(path: str, status_code: int) -> KlipscribeError:
    if status_code in _FAILURES:
        return _FAILURES[status_code](path)
    if status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Retryable(f"{path}: Convex answered {status_code}")
    return RecordRefused(f"{path}: Convex answered {status_code}, check {URL_VARIABLE}")


def _json(path: str, response: httpx.Response) -> Mapping[str, Any]:
    try:
        answer = response.json()
    except ValueError as error:
        if response.status_code == _FUNCTION_FAILED:
            return {}
        raise _unreadable(path, "it is no JSON") from error
    return answer if isinstance(answer, dict) else {}


def _field(path: str, value: object, name: str) -> object:
    if not isinstance(value, dict):
        raise _unreadable(path, "its value is no object")
    return value.get(name)


def _check_success(path: str, value: object, video_id: str) -> None:
    success = _field(path, value, "success")
    if success is False:
        raise RecordNotFound(video_id)
    if success is not True:
        raise _unreadable(path, "its value says neither success nor failure")


def _unreadable(path: str, why: str) -> Retryable:
    return Retryable(f"{path}: the answer can't be read, {why}")


def _checked_url(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL:
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{URL_VARIABLE} is no URL, expected one such as https://NAME.convex.cloud")
    return parsed


def _headers(deploy_key: str | None) -> Mapping[str, str]:
    """The key is checked here since HTTP libraries quote a header that they can't send."""
    key = (deploy_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError(f"{KEY_VARIABLE} holds characters that no deploy key has")
    return {"Authorization": f"Convex {key}"} if key else {}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
