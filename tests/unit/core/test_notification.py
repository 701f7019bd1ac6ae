import json
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import pytest

from core import events
from core.errors import MalformedMessage, RecordRefused, Retryable
from core.notification import NOTE_TRIES
from core.video import FAILED, TRANSCRIBING
from tests.fakes.process import Process
from tests.fakes.world import STATE, VIDEO, World, world

URLS = {"transcript_url": "gs://t/7_segments.csv", "transcriptWords_url": "gs://t/7_words.csv"}


def body(generation: int = 1, run: int = 1, **more: Any) -> dict[str, Any]:
    files = {"segments": f"gs://t/{generation}_segments.csv", "words": f"gs://t/{generation}_words.csv"}
    return {"video_id": VIDEO, "generation": str(generation), "run": run, "files": files, **more}


def tell(place: World, kind: str, data: Mapping[str, Any]) -> str:
    return place.notification().run(kind, data)


def test_a_start_is_shown_as_transcribing() -> None:
    place = world()
    assert tell(place, events.STARTED, body()) == "written"
    assert place.videos.status(VIDEO) == TRANSCRIBING


def test_a_success_gives_the_places_of_segments_and_words_and_no_status() -> None:
    place = world()
    tell(place, events.STARTED, body())
    assert tell(place, events.COMPLETED, body(7)) == "written"
    assert place.videos.urls == {VIDEO: URLS}
    assert place.videos.writes == {VIDEO: [TRANSCRIBING]}


def test_a_success_moves_the_status_where_the_settings_name_one() -> None:
    place = world(success_status="Fetching chat")
    tell(place, events.COMPLETED, body())
    assert place.videos.status(VIDEO) == "Fetching chat"


def test_a_failure_is_shown() -> None:
    place = world()
    assert tell(place, events.FAILED, body()) == "written"
    assert place.videos.status(VIDEO) == FAILED


def test_progress_changes_nothing() -> None:
    place = world()
    assert tell(place, events.PROGRESS, body(stage="fallback")) == "unchanged"
    assert place.videos.writes == {}


@pytest.mark.parametrize("kind", [events.STARTED, events.FAILED, events.COMPLETED])
def test_a_repeated_event_writes_no_status_again(kind: str) -> None:
    place = world(success_status="Fetching chat")
    tell(place, kind, body())
    writes = list(place.videos.writes[VIDEO])
    tell(place, kind, body())
    assert place.videos.writes[VIDEO] == writes


@pytest.mark.parametrize("kind", [events.STARTED, events.FAILED, events.COMPLETED])
@pytest.mark.parametrize("newer", [body(2), body(1, run=2)], ids=["generation", "run"])
def test_an_event_of_something_older_is_stale(kind: str, newer: dict[str, Any]) -> None:
    place = world()
    tell(place, events.COMPLETED, newer)
    before = (place.videos.status(VIDEO), dict(place.videos.urls[VIDEO]))
    assert tell(place, kind, body()) == "stale"
    assert (place.videos.status(VIDEO), place.videos.urls[VIDEO]) == before


@pytest.mark.parametrize("kind", [events.FAILED, events.COMPLETED])
def test_a_superseded_outcome_is_stale(kind: str) -> None:
    place = world()
    assert tell(place, kind, body(superseded=True)) == "stale"
    assert (place.videos.writes, place.videos.urls) == ({}, {})


def test_a_new_run_lifts_our_own_failure() -> None:
    place = world()
    tell(place, events.FAILED, body())
    assert tell(place, events.STARTED, body(run=2)) == "written"
    assert place.videos.status(VIDEO) == TRANSCRIBING


def test_a_late_start_of_the_failed_run_does_not() -> None:
    place = world()
    tell(place, events.FAILED, body())
    assert tell(place, events.STARTED, body()) == "stale"
    assert place.videos.status(VIDEO) == FAILED


def test_a_late_start_of_the_failed_run_is_not_put_over_a_video_that_was_queued_again() -> None:
    place = world()
    tell(place, events.FAILED, body())
    place.videos.set_status(VIDEO, "Queued")
    assert tell(place, events.STARTED, body()) == "stale"
    assert place.videos.status(VIDEO) == "Queued"
    assert tell(place, events.STARTED, body(run=2)) == "written"


@pytest.mark.parametrize(
    "unseen",
    [(body(superseded=True), body(2)), (body(2), body(1), body(2, run=2))],
    ids=["superseded", "older"],
)
def test_a_failure_of_another_part_of_the_pipeline_is_not_ours_to_lift(
    unseen: tuple[dict[str, Any], ...],
) -> None:
    place = world()
    place.videos.create(VIDEO, FAILED)
    if len(unseen) == 3:
        tell(place, events.STARTED, unseen[0])
    tell(place, events.FAILED, unseen[-2])
    tell(place, events.STARTED, unseen[-1])
    assert place.videos.writes == {}


STORY = [
    (events.STARTED, body(1)),
    (events.FAILED, body(1)),
    (events.STARTED, body(2)),
    (events.COMPLETED, body(2)),
]


@pytest.mark.parametrize("success_status", ["", "Fetching chat"])
def test_in_whatever_order_events_come_the_newest_success_is_what_stays(success_status: str) -> None:
    for order in permutations(range(4)):
        place = world(success_status=success_status)
        for index in [*order, *order]:
            tell(place, *STORY[index])
        assert place.videos.status(VIDEO) == (success_status or TRANSCRIBING)
        assert place.videos.urls[VIDEO]["transcript_url"] == "gs://t/2_segments.csv"


@pytest.mark.parametrize("video_id", ["talks/monday", "", "٣"])
def test_an_id_that_is_no_number_is_no_video(video_id: str) -> None:
    place = world()
    assert tell(place, events.STARTED, {**body(), "video_id": video_id}) == "not_a_video"
    assert place.files(STATE) == {}


def test_a_video_without_a_record_is_passed_over() -> None:
    place = world()
    for kind in (events.STARTED, events.COMPLETED):
        assert tell(place, kind, {**body(), "video_id": "404"}) == "unknown_video"


def test_a_database_that_is_away_or_says_no_leaves_the_message_for_later() -> None:
    for failure in (Retryable("away"), RecordRefused("no")):
        place = world()
        place.videos.failures = [failure]
        with pytest.raises(type(failure)):
            tell(place, events.FAILED, body())
        assert tell(place, events.FAILED, body()) == "written"
        assert place.videos.status(VIDEO) == FAILED


@pytest.mark.parametrize(
    "data",
    [
        {},
        {**body(), "generation": "x"},
        {**body(), "run": None},
        {**body(), "run": float("inf")},
        {**body(), "files": {}},
        {**body(), "files": None},
        {key: value for key, value in body().items() if key != "files"},
    ],
)
def test_a_success_that_lacks_a_field_is_malformed_and_changes_nothing(data: dict[str, Any]) -> None:
    place = world()
    with pytest.raises(MalformedMessage, match="expected video_id"):
        tell(place, events.COMPLETED, data)
    assert place.files(STATE) == {}


def test_the_note_keeps_the_newest_run_and_the_newest_failure() -> None:
    place = world()
    tell(place, events.FAILED, body(5, run=2))
    tell(place, events.STARTED, body(6))
    assert json.loads(place.files(STATE)[f"videos/{VIDEO}.json"]) == {"newest": [6, 1], "failed": [5, 2]}


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_note_that_somebody_writes_at_the_same_time_is_read_again(at: int) -> None:
    place = world()
    tell(place, events.STARTED, body(1))
    rival = Process(at, lambda: tell(place, events.STARTED, body(3)))
    assert tell(place.but(store=rival.store(place.store)), events.FAILED, body(2)) == "stale"
    assert place.videos.status(VIDEO) == TRANSCRIBING


def test_a_note_that_others_never_stop_writing_is_left_for_later() -> None:
    place = world()
    generations = iter(range(2, 1000))

    class Busy(Process):
        def pass_out(self, call: Callable[[], object]) -> object:
            tell(place, events.STARTED, body(next(generations)))
            return super().pass_out(call)

    with pytest.raises(Retryable, match=f"video {VIDEO}: .* {NOTE_TRIES} tries"):
        tell(place.but(store=Busy().store(place.store)), events.STARTED, body(1000))
