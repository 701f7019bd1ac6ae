"""The functions of examples/convex beyond the contract: never backwards, no gap between look and write."""

import json
import subprocess

import pytest

from core.errors import RecordNotFound, RecordRefused
from core.video import FAILED, STATUS_ORDER, Run, next_status
from infra.convex import ConvexVideos
from tests.convex.backends import EXAMPLE, Functions, missing_for_functions

pytestmark = pytest.mark.local_cloud

VIDEO = "2434635255"
OLD, NEW = Run(1_700_000_000_000_001), Run(1_700_000_000_000_002)
URLS = {"transcript_url": "gs://b/s.csv", "transcriptWords_url": "gs://b/w.csv"}


@pytest.mark.parametrize("current", [None, *STATUS_ORDER, FAILED])
def test_the_transaction_decides_as_core_does(functions: Functions, current: str | None) -> None:
    for wanted in (*STATUS_ORDER, FAILED):
        functions.create(wanted, current)
    decided = {
        wanted: functions.records.set_status_if_earlier(wanted, wanted, NEW)
        for wanted in (*STATUS_ORDER, FAILED)
    }
    assert decided == {wanted: next_status(current, wanted) is not None for wanted in decided}


@pytest.mark.parametrize("current", STATUS_ORDER)
def test_an_unconditional_write_never_goes_backwards_either(functions: Functions, current: str) -> None:
    functions.create(VIDEO, current)
    functions.records.set_status(VIDEO, "Queued")
    assert functions.records.status(VIDEO) == current


def test_a_step_of_the_pipeline_may_fail_late_but_not_after_completion(functions: Functions) -> None:
    functions.create("1", "Analyzing")
    functions.create("2", "Completed")
    for video in ("1", "2"):
        functions.records.set_status(video, FAILED)
    assert [functions.records.status(video) for video in ("1", "2")] == [FAILED, "Completed"]


def test_a_status_that_moves_on_between_read_and_write_stays(functions: Functions) -> None:
    functions.create(VIDEO, "Queued")
    wanted = next_status(functions.records.status(VIDEO), "Transcribing")
    functions.records.set_status(VIDEO, "Analyzing")
    assert wanted == "Transcribing"
    assert not functions.records.set_status_if_earlier(VIDEO, wanted, NEW)
    assert functions.records.status(VIDEO) == "Analyzing"


def test_a_late_start_of_the_failed_run_changes_nothing_and_the_next_run_does(functions: Functions) -> None:
    functions.create(VIDEO, "Transcribing")
    records = functions.records
    assert records.set_status_if_earlier(VIDEO, FAILED, OLD)
    assert not records.set_status_if_earlier(VIDEO, FAILED, OLD)
    assert not records.set_status_if_earlier(VIDEO, "Transcribing", OLD)
    assert records.set_status_if_earlier(VIDEO, "Transcribing", Run(OLD.generation, 2))
    assert records.status(VIDEO) == "Transcribing"


def test_a_failure_that_is_not_ours_is_not_lifted(functions: Functions) -> None:
    functions.create(VIDEO, FAILED)
    assert not functions.records.set_status_if_earlier(VIDEO, "Transcribing", NEW)
    assert functions.records.status(VIDEO) == FAILED


def test_the_failure_of_an_old_generation_never_covers_the_success_of_a_newer_one(
    functions: Functions,
) -> None:
    functions.create(VIDEO, "Transcribing")
    assert functions.records.set_urls_if_newer(VIDEO, URLS, NEW)
    assert not functions.records.set_status_if_earlier(VIDEO, FAILED, OLD)
    assert functions.records.status(VIDEO) == "Transcribing"


def test_urls_of_an_old_generation_do_not_replace_those_of_a_newer_one(functions: Functions) -> None:
    functions.create(VIDEO, "Transcribing")
    functions.records.set_urls_if_newer(VIDEO, URLS, NEW)
    assert functions.records.set_urls_if_newer(VIDEO, URLS, NEW)
    assert not functions.records.set_urls_if_newer(VIDEO, {"transcript_url": "gs://old"}, OLD)
    assert functions.urls(VIDEO) == URLS


def test_generations_beyond_the_floats_are_told_apart(functions: Functions) -> None:
    functions.create(VIDEO, "Transcribing")
    functions.records.set_status_if_earlier(VIDEO, FAILED, Run(2**53))
    assert functions.records.set_status_if_earlier(VIDEO, "Transcribing", Run(2**53 + 1))


def test_a_late_start_of_a_failed_run_is_not_put_over_a_video_that_was_queued_again(
    functions: Functions,
) -> None:
    functions.create(VIDEO, "Transcribing")
    functions.records.set_status_if_earlier(VIDEO, FAILED, OLD)
    functions.records.set_status(VIDEO, "Queued")
    assert not functions.records.set_status_if_earlier(VIDEO, "Transcribing", OLD)
    assert functions.records.set_status_if_earlier(VIDEO, "Transcribing", NEW)


def test_the_query_shows_nothing_of_the_bookkeeping(functions: Functions) -> None:
    functions.create(VIDEO, "Queued")
    functions.records.set_status_if_earlier(VIDEO, "Transcribing", NEW)
    assert functions.video(VIDEO) == {"twitchId": VIDEO, "status": "Transcribing"}


def test_a_success_brings_a_status_that_missed_the_start_to_transcribing(functions: Functions) -> None:
    functions.create(VIDEO, "Transcribing")
    functions.records.set_status_if_earlier(VIDEO, FAILED, OLD)
    functions.records.set_urls_if_newer(VIDEO, URLS, NEW)
    assert functions.records.status(VIDEO) == "Transcribing"
    assert not functions.records.set_status_if_earlier(VIDEO, FAILED, NEW)
    assert functions.records.set_status_if_earlier(VIDEO, "Fetching chat", NEW)


def test_a_conditional_write_to_an_unknown_video_says_that_there_is_none(functions: Functions) -> None:
    with pytest.raises(RecordNotFound):
        functions.records.set_status_if_earlier("404", "Transcribing", NEW)
    with pytest.raises(RecordNotFound):
        functions.records.set_urls_if_newer("404", URLS, NEW)


@pytest.mark.parametrize("run", [Run(-1), Run(1, 0)])
def test_a_run_that_can_not_be_one_is_refused(functions: Functions, run: Run) -> None:
    functions.create(VIDEO, "Queued")
    with pytest.raises(RecordRefused):
        functions.records.set_status_if_earlier(VIDEO, "Transcribing", run)


def test_the_writes_need_the_deploy_key_and_the_query_does_not(functions: Functions) -> None:
    functions.create(VIDEO, "Queued")
    stranger = ConvexVideos(functions.url)
    assert stranger.status(VIDEO) == "Queued"
    with pytest.raises(RecordRefused):
        stranger.set_status(VIDEO, "Transcribing")
    with pytest.raises(RecordRefused):
        stranger.set_urls(VIDEO, URLS)
    stranger.close()
    assert functions.records.status(VIDEO) == "Queued"


def test_a_wrong_deploy_key_is_refused_by_the_name_of_its_variable(functions: Functions) -> None:
    impostor = ConvexVideos(functions.url, "prod:wrong|key")
    with pytest.raises(RecordRefused, match="CONVEX_DEPLOY_KEY") as refused:
        impostor.status(VIDEO)
    impostor.close()
    assert "wrong|key" not in str(refused.value)


@pytest.mark.full
def test_the_example_passes_its_type_check() -> None:
    if reason := missing_for_functions():
        pytest.skip(reason)
    command = ["node", "node_modules/typescript/bin/tsc", "--noEmit"]
    checked = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_lock_of_the_example_names_no_registry() -> None:
    packages = json.loads((EXAMPLE / "package-lock.json").read_text())["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
