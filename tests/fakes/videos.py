"""Video records in memory."""

from collections.abc import Mapping

from core.errors import KlipscribeError, RecordNotFound, RecordRefused
from core.video import FAILED, STATUS_ORDER, check_url_keys


class FakeVideos:
    """VideoRecords without a database.

    Tests read `urls` and `writes` (every status written, in order, by video), put rows in with `create`,
    and may order failures: `failures` are raised one by one by the next calls.
    """

    def __init__(self, statuses: Mapping[str, str] | None = None) -> None:
        self._statuses = dict(statuses or {})
        self.urls: dict[str, dict[str, str]] = {}
        self.writes: dict[str, list[str]] = {}
        self.failures: list[KlipscribeError] = []

    def create(self, video_id: str, status: str = "") -> None:
        """Put a row in, as the pipeline does before there is audio."""
        self._statuses[video_id] = status

    def status(self, video_id: str) -> str | None:
        """The status; None when there is no such video."""
        self._fail_if_ordered()
        return self._statuses.get(video_id)

    def set_status(self, video_id: str, status: str) -> None:
        """Write the status."""
        self._fail_if_ordered()
        if status != FAILED and status not in STATUS_ORDER:
            raise RecordRefused(f"unknown status {status!r}")
        self._check_known(video_id)
        self._statuses[video_id] = status
        self.writes.setdefault(video_id, []).append(status)

    def set_urls(self, video_id: str, urls: Mapping[str, str]) -> None:
        """Write URLs, keeping those that are not named."""
        check_url_keys(urls)
        self._fail_if_ordered()
        self._check_known(video_id)
        self.urls.setdefault(video_id, {}).update(urls)

    def _check_known(self, video_id: str) -> None:
        if video_id not in self._statuses:
            raise RecordNotFound(video_id)

    def _fail_if_ordered(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
