import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.log import configure, context
from tests.log_lines import Lines

log = logging.getLogger("klipscribe.test")


def test_a_line_is_json_with_the_fields_that_cloud_logging_knows(lines: Lines) -> None:
    log.warning("took %d s", 3, extra={"code": "empty"})
    line = lines.one()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "severity": "WARNING",
        "message": "took 3 s",
        "logger": "klipscribe.test",
        "code": "empty",
    }


def test_every_line_of_a_block_carries_its_context(lines: Lines) -> None:
    with context(job_id="j", attempt="2", trace=""):
        log.info("inside")
        with context(stage="decode"):
            log.info("deeper")
    log.info("outside")
    inside, deeper, outside = lines.read_all()
    assert (inside["job_id"], inside["attempt"]) == ("j", "2")
    assert "trace" not in inside
    assert (deeper["job_id"], deeper["stage"]) == ("j", "decode")
    assert not {"job_id", "attempt", "stage"} & outside.keys()


def test_the_context_ends_with_its_block_even_when_it_fails(lines: Lines) -> None:
    with pytest.raises(KeyError), context(job_id="j"):
        raise KeyError
    log.info("outside")
    assert "job_id" not in lines.one()


def test_requests_in_other_threads_have_their_own_context(lines: Lines) -> None:
    with context(job_id="mine"), ThreadPoolExecutor(1) as threads:
        threads.submit(log.info, "theirs").result()
    assert "job_id" not in lines.one()


def test_an_exception_is_told_with_its_trace_in_one_line(lines: Lines) -> None:
    try:
        int("x")
    except ValueError:
        log.exception("failed")
    line = lines.one()
    assert line["severity"] == "ERROR"
    assert line["exception"].startswith("Traceback")
    assert line["exception"].endswith("ValueError: invalid literal for int() with base 10: 'x'")


@pytest.mark.parametrize("text", ['a "b"\n{"severity": "ERROR"}', "Grüße 🎧 世界", "\ud800", "\0"])
def test_any_text_stays_one_line_and_comes_back(lines: Lines, text: str) -> None:
    log.info("%s", text, extra={"field": text})
    line = lines.one()
    assert (line["message"], line["field"]) == (text, text)
    lines.getvalue().encode("ascii")


def test_a_field_can_not_pass_for_the_line_s_own(lines: Lines) -> None:
    with context(severity="DEBUG", logger="another"):
        log.error("real", extra={"severity": "DEBUG"})
    line = lines.one()
    assert (line["severity"], line["logger"]) == ("ERROR", "klipscribe.test")


def test_a_value_that_json_does_not_know_is_told_as_text(lines: Lines) -> None:
    log.info("done", extra={"files": {"a"}})
    assert lines.one()["files"] == "{'a'}"


@pytest.mark.parametrize(
    ("level", "told"),
    [("DEBUG", ["fine", "news", "worry"]), ("INFO", ["news", "worry"]), ("WARNING", ["worry"])],
)
def test_the_level_decides_what_of_ours_is_told(level: str, told: list[str], lines: Lines) -> None:
    configure(level, lines)
    log.debug("fine")
    log.info("news")
    log.warning("worry")
    assert [line["message"] for line in lines.read_all()] == told


def test_libraries_never_tell_the_details_of_their_requests(lines: Lines) -> None:
    configure("DEBUG", lines)
    logging.getLogger("urllib3.connectionpool").debug("GET /audio.mp3?X-Goog-Signature=5f3a")
    assert lines.getvalue() == ""


def test_configuring_again_does_not_tell_twice(lines: Lines) -> None:
    configure("INFO", lines)
    log.info("once")
    assert len(lines.read_all()) == 1
