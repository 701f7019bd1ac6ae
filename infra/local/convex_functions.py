"""The three Convex functions of the contract and their records, for the stand-in in infra.local.convex."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from core.video import FAILED, STATUS_ORDER, URL_KEYS

Arguments = Mapping[str, Any]
Check = Callable[[object], bool]


class FunctionError(Exception):
    """What a function throws; its text is the errorMessage of the answer."""


@dataclass
class Video:
    """One row, and every write to it, oldest first."""

    twitch_id: str
    status: str | None
    urls: dict[str, str] = field(default_factory=dict)
    history: list[Mapping[str, Any]] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        """The row as the public query gives it: a field without a value is absent."""
        status = {} if self.status is None else {"status": self.status}
        return {"twitchId": self.twitch_id, **status, **self.urls}


class Records:
    """All rows. One lock makes every call a transaction."""

    def __init__(self, *, auto_create: bool, now: Callable[[], datetime]) -> None:
        self._videos: dict[str, Video] = {}
        self._auto_create = auto_create
        self._now = now
        self.lock = Lock()

    def find(self, twitch_id: str) -> Video | None:
        """The row; a first touch may create it."""
        if twitch_id not in self._videos and self._auto_create and twitch_id.isdecimal():
            self._videos[twitch_id] = Video(twitch_id, STATUS_ORDER[0])
        return self._videos.get(twitch_id)

    def create(self, twitch_id: str, status: str | None) -> None:
        """Put a fresh row in place of any other."""
        with self.lock:
            self._videos[twitch_id] = Video(twitch_id, status)

    def note(self, video: Video, write: Mapping[str, Any]) -> None:
        """Add to the history of a row."""
        video.history.append({"at": self._now().isoformat(), **write})

    def all(self) -> list[dict[str, Any]]:
        """Every row with its history, by id."""
        with self.lock:
            videos = sorted(self._videos.values(), key=lambda video: video.twitch_id)
            return [{**video.shown(), "history": list(video.history)} for video in videos]


def run(kind: str, path: str, arguments: Arguments, records: Records) -> object:
    """The value of one function for these arguments.

    Raises:
        FunctionError: no such function, or its validator refuses the arguments.
    """
    if path not in _FUNCTIONS:
        raise FunctionError(
            f"Could not find public function for '{path}'. Did you forget to run `npx convex dev`?"
        )
    defined_kind, validator, function = _FUNCTIONS[path]
    if kind != defined_kind:
        raise FunctionError(f"Trying to execute {path} as {kind}, but it is defined as {defined_kind}.")
    _validate(arguments, validator)
    with records.lock:
        return function(records, arguments)


def _validate(arguments: Arguments, validator: Mapping[str, Check]) -> None:
    _refuse_extra(arguments, validator)
    for name, check in validator.items():
        if name not in arguments:
            raise FunctionError(f"ArgumentValidationError: Object is missing the required field `{name}`.")
        if not check(arguments[name]):
            raise FunctionError(f"ArgumentValidationError: Value does not match validator. Path: .{name}")


def _refuse_extra(value: Mapping[str, object], known: Iterable[str]) -> None:
    for name in sorted(set(value) - set(known)):
        raise FunctionError(
            f"ArgumentValidationError: Object contains extra field `{name}` that is not in the validator."
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_status(value: object) -> bool:
    return value == FAILED or value in STATUS_ORDER


def _is_urls(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    _refuse_extra(value, URL_KEYS)
    return all(isinstance(url, str) for url in value.values())


def _get(records: Records, arguments: Arguments) -> object:
    video = records.find(arguments["twitchId"])
    return video.shown() if video else None


def _update_status(records: Records, arguments: Arguments) -> object:
    video = records.find(arguments["twitchId"])
    if video is None:
        return {"success": False}
    video.status = arguments["status"]
    records.note(video, {"status": video.status})
    return {"success": True}


def _update_urls(records: Records, arguments: Arguments) -> object:
    video = records.find(arguments["twitchId"])
    if video is None:
        return {"success": False}
    video.urls.update(arguments["urls"])
    records.note(video, {"urls": arguments["urls"]})
    return {"success": True}


_ID: Mapping[str, Check] = {"twitchId": _is_text}
_Function = Callable[[Records, Arguments], object]
_FUNCTIONS: Mapping[str, tuple[str, Mapping[str, Check], _Function]] = {
    "video:getByTwitchIdPublic": ("query", _ID, _get),
    "video:updateStatusByTwitchId": ("mutation", {**_ID, "status": _is_status}, _update_status),
    "video:updateUrls": ("mutation", {**_ID, "urls": _is_urls}, _update_urls),
}
