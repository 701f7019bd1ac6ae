"""The backends that the suite of VideoRecords runs against, all started and read in the same way."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from flask import Flask

from core.errors import RecordNotFound
from core.ports import VideoRecords
from core.video import URL_KEYS, Run
from infra.convex import ConvexVideos
from infra.local.convex import make_app
from tests.fakes.videos import FakeVideos

KEY = "prod:made-up|0123456789"
EXAMPLE = Path(__file__).parents[2] / "examples" / "convex"
INSTALL = "npm ci --prefix examples/convex --ignore-scripts --no-audit --no-fund"


class Backend(Protocol):
    """A database of videos with a way in beside the port."""

    @property
    def records(self) -> VideoRecords: ...

    def create(self, video_id: str, status: str | None) -> None: ...

    def urls(self, video_id: str) -> Mapping[str, str]: ...


class InMemory:
    def __init__(self) -> None:
        self.records = FakeVideos()

    def create(self, video_id: str, status: str | None) -> None:
        self.records.create(video_id, status or "")

    def urls(self, video_id: str) -> Mapping[str, str]:
        return self.records.urls.get(video_id, {})


class StandIn:
    """infra.local.convex, called without a socket."""

    def __init__(self, app: Flask | None = None) -> None:
        self.http = httpx.Client(
            transport=httpx.WSGITransport(app=app or make_app(KEY)), base_url="http://convex"
        )
        self.records = ConvexVideos("http://convex", KEY, http=self.http)

    def create(self, video_id: str, status: str | None) -> None:
        self.http.post("/videos", json={"twitchId": video_id, "status": status}).raise_for_status()

    def urls(self, video_id: str) -> Mapping[str, str]:
        return _urls_of(self.video(video_id))

    def video(self, video_id: str) -> Mapping[str, Any]:
        videos = self.http.get("/videos").raise_for_status().json()["videos"]
        return next(video for video in videos if video["twitchId"] == video_id)


class ConditionalVideos(ConvexVideos):
    """The calls that examples/convex offers beyond the contract; the service makes none of them."""

    def set_status_if_earlier(self, video_id: str, status: str, run: Run) -> bool:
        """Write the status where it may follow, in one transaction. Whether it changed."""
        return self._changed("video:updateStatusIfEarlier", video_id, {"status": status}, run)

    def set_urls_if_newer(self, video_id: str, urls: Mapping[str, str], run: Run) -> bool:
        """Write URLs unless a newer generation is known, in one transaction. Whether they were taken."""
        return self._changed("video:updateUrlsIfNewer", video_id, {"urls": dict(urls)}, run)

    def _changed(self, path: str, video_id: str, what: Mapping[str, Any], run: Run) -> bool:
        """Generations are text: JSON numbers of Convex are floats, exact to 2**53 only."""
        arguments = {"twitchId": video_id, **what, "generation": str(run.generation), "run": run.number}
        value = self._call("mutation", path, arguments)
        assert isinstance(value, dict)
        if not value["success"]:
            raise RecordNotFound(video_id)
        return value["changed"] is True


class Functions:
    """The functions of examples/convex, run by convex-test behind a Node server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, trust_env=False)
        self.records = ConditionalVideos(url, KEY, http=self.http)
        self._rows: list[Mapping[str, str]] = []

    def reset(self) -> None:
        """Forget every video."""
        self._rows.clear()
        self._reset()

    def create(self, video_id: str, status: str | None) -> None:
        self._rows.append({"twitchId": video_id} | ({"status": status} if status else {}))
        self._reset()

    def urls(self, video_id: str) -> Mapping[str, str]:
        return _urls_of(self.video(video_id))

    def video(self, video_id: str) -> Mapping[str, Any]:
        call = {"path": "video:getByTwitchIdPublic", "args": {"twitchId": video_id}}
        video: Mapping[str, Any] = self.http.post("/api/query", json=call).raise_for_status().json()["value"]
        return video

    def close(self) -> None:
        self.records.close()

    def _reset(self) -> None:
        self.http.post("/_reset", json={"videos": self._rows}).raise_for_status()


def missing_for_functions() -> str | None:
    """Why the functions can't run here, or None."""
    if shutil.which("node") is None:
        return "UNVERIFIED: the Convex functions of examples/convex, since there is no node"
    if not (EXAMPLE / "node_modules" / "convex-test").is_dir():
        return (
            f"UNVERIFIED: the Convex functions of examples/convex, since nothing is installed; run {INSTALL}"
        )
    return None


@contextmanager
def running_shim() -> Iterator[str]:
    """The URL of the Node server; it ends when its standard input does."""
    command = ["node", "--import", "tsx", "test/shim.ts"]
    environment = {**os.environ, "SHIM_DEPLOY_KEY": KEY}
    with subprocess.Popen(
        command, cwd=EXAMPLE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port.isdigit(), "the shim ended before it listened"
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _urls_of(video: Mapping[str, Any]) -> Mapping[str, str]:
    return {key: video[key] for key in URL_KEYS if key in video}
