"""What every VideoRecords does: the fake, the client over the stand-in, the client over real functions."""

import pytest

from core.errors import RecordNotFound, RecordRefused
from core.video import FAILED, STATUS_ORDER, URL_KEYS
from tests.convex.backends import Backend, Functions, InMemory, StandIn

VIDEO = "2434635255"


@pytest.fixture(params=["fake", "stand-in", pytest.param("functions", marks=pytest.mark.local_cloud)])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param == "functions":
        functions: Functions = request.getfixturevalue("functions")
        return functions
    return InMemory() if request.param == "fake" else StandIn()


@pytest.mark.parametrize("video_id", ["404", "folder/no-twitch-id", ""])
def test_a_video_that_nobody_created_has_no_status(backend: Backend, video_id: str) -> None:
    backend.create(VIDEO, "Queued")
    assert backend.records.status(video_id) is None


def test_a_video_that_has_no_status_yet_has_an_empty_one(backend: Backend) -> None:
    backend.create(VIDEO, None)
    assert backend.records.status(VIDEO) == ""


@pytest.mark.parametrize("status", [*STATUS_ORDER, FAILED])
def test_a_status_that_was_written_is_read(backend: Backend, status: str) -> None:
    backend.create(VIDEO, None)
    backend.records.set_status(VIDEO, status)
    assert backend.records.status(VIDEO) == status


def test_a_status_touches_one_video_only(backend: Backend) -> None:
    backend.create(VIDEO, "Queued")
    backend.create("7", "Queued")
    backend.records.set_status(VIDEO, "Transcribing")
    assert backend.records.status("7") == "Queued"


def test_writing_a_status_again_changes_nothing(backend: Backend) -> None:
    backend.create(VIDEO, "Queued")
    backend.records.set_status(VIDEO, "Transcribing")
    backend.records.set_status(VIDEO, "Transcribing")
    assert backend.records.status(VIDEO) == "Transcribing"


def test_a_failed_video_may_be_started_again(backend: Backend) -> None:
    backend.create(VIDEO, "Failed")
    backend.records.set_status(VIDEO, "Transcribing")
    assert backend.records.status(VIDEO) == "Transcribing"


def test_a_status_that_is_not_in_the_contract_is_refused(backend: Backend) -> None:
    backend.create(VIDEO, "Queued")
    with pytest.raises(RecordRefused):
        backend.records.set_status(VIDEO, "Dancing")
    assert backend.records.status(VIDEO) == "Queued"


@pytest.mark.parametrize("video_id", ["404", "folder/no-twitch-id"])
def test_a_write_to_an_unknown_video_says_that_there_is_none(backend: Backend, video_id: str) -> None:
    with pytest.raises(RecordNotFound, match=video_id) as of_status:
        backend.records.set_status(video_id, "Transcribing")
    with pytest.raises(RecordNotFound, match=video_id):
        backend.records.set_urls(video_id, {"transcript_url": "gs://b/o"})
    assert not of_status.value.retryable
    assert backend.records.status(video_id) is None


def test_every_url_of_the_contract_is_kept(backend: Backend) -> None:
    backend.create(VIDEO, "Transcribing")
    urls = {key: f"gs://bucket/{key}" for key in URL_KEYS}
    backend.records.set_urls(VIDEO, urls)
    assert backend.urls(VIDEO) == urls


def test_urls_that_are_not_named_stay(backend: Backend) -> None:
    backend.create(VIDEO, "Transcribing")
    backend.records.set_urls(VIDEO, {"audio_url": "gs://a", "transcript_url": "gs://old"})
    backend.records.set_urls(VIDEO, {"transcript_url": "gs://new"})
    backend.records.set_urls(VIDEO, {})
    assert backend.urls(VIDEO) == {"audio_url": "gs://a", "transcript_url": "gs://new"}


def test_urls_leave_the_status_alone(backend: Backend) -> None:
    backend.create(VIDEO, "Analyzing")
    backend.records.set_urls(VIDEO, {"transcript_url": "gs://b/o"})
    assert backend.records.status(VIDEO) == "Analyzing"


def test_a_url_key_that_the_database_would_refuse_is_named_and_nothing_is_written(backend: Backend) -> None:
    backend.create(VIDEO, "Transcribing")
    with pytest.raises(ValueError, match="unknown URL key srt_url"):
        backend.records.set_urls(VIDEO, {"transcript_url": "gs://b/o", "srt_url": "gs://b/srt"})
    assert backend.urls(VIDEO) == {}
