import pytest

from core.video import (
    STATUS_ORDER,
    URL_KEYS,
    Run,
    check_url_keys,
    is_restart,
    next_status,
)

EARLIER = ("Queued", "Downloading", "Processing audio", "Generating waveform")
LATER = (
    "Fetching chat",
    "Analyzing",
    "Finding highlights",
    "Generating visualizations",
    "Finalizing analysis",
    "Completed",
)


def test_the_order_is_the_one_of_the_contract() -> None:
    assert (*EARLIER, "Transcribing", *LATER) == STATUS_ORDER


@pytest.mark.parametrize("current", [None, "", *EARLIER])
@pytest.mark.parametrize("wanted", ["Transcribing", "Failed", "Fetching chat", "Transcribed"])
def test_every_status_of_ours_may_follow_none_and_an_earlier_one(current: str | None, wanted: str) -> None:
    assert next_status(current, wanted) == wanted


@pytest.mark.parametrize("current", ["Transcribing", *LATER])
@pytest.mark.parametrize("restarting", [False, True])
def test_a_start_changes_nothing_from_transcribing_on(current: str, restarting: bool) -> None:
    assert next_status(current, "Transcribing", restarting=restarting) is None


@pytest.mark.parametrize("current", LATER)
@pytest.mark.parametrize("restarting", [False, True])
def test_a_failure_is_not_put_over_a_later_status(current: str, restarting: bool) -> None:
    assert next_status(current, "Failed", restarting=restarting) is None


@pytest.mark.parametrize("wanted", ["Failed", "Fetching chat", "Transcribed"])
def test_an_end_follows_transcribing(wanted: str) -> None:
    assert next_status("Transcribing", wanted) == wanted


@pytest.mark.parametrize(
    ("current", "wanted", "expected"),
    [
        ("Fetching chat", "Analyzing", "Analyzing"),
        ("Analyzing", "Fetching chat", None),
        ("Fetching chat", "Transcribed", None),
        ("Completed", "Finalizing analysis", None),
    ],
)
def test_a_status_after_success_moves_forward_only(current: str, wanted: str, expected: str | None) -> None:
    assert next_status(current, wanted) == expected


@pytest.mark.parametrize("wanted", ["Transcribing", "Fetching chat", "Transcribed"])
def test_a_failure_is_left_by_a_restart_only(wanted: str) -> None:
    assert next_status("Failed", wanted) is None
    assert next_status("Failed", wanted, restarting=True) == wanted


@pytest.mark.parametrize("restarting", [False, True])
def test_a_failure_that_stands_is_not_written_again(restarting: bool) -> None:
    assert next_status("Failed", "Failed", restarting=restarting) is None


@pytest.mark.parametrize("wanted", ["Transcribing", "Failed", "Fetching chat"])
def test_a_status_that_nobody_can_place_is_left_alone(wanted: str) -> None:
    assert next_status("Archived", wanted, restarting=True) is None


@pytest.mark.parametrize(
    ("run", "failed", "expected"),
    [
        (Run(10, 1), None, False),
        (Run(10, 1), Run(10, 1), False),
        (Run(10, 1), Run(10, 2), False),
        (Run(9, 7), Run(10, 1), False),
        (Run(10, 2), Run(10, 1), True),
        (Run(11, 1), Run(10, 3), True),
    ],
)
def test_a_restart_is_a_newer_generation_or_run_than_our_failure(
    run: Run, failed: Run | None, expected: bool
) -> None:
    assert is_restart(run, failed) is expected


def test_the_url_keys_of_the_contract_pass_and_another_is_named() -> None:
    check_url_keys(URL_KEYS)
    with pytest.raises(ValueError, match="unknown URL key srt_url,"):
        check_url_keys([*URL_KEYS, "srt_url"])
