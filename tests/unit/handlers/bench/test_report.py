import io
import json
from pathlib import Path

import pytest

from handlers.bench.report import Bound, Report, figure, shown


def test_a_figure_is_the_median_of_its_rounds_and_keeps_their_spread() -> None:
    one = figure("speed", [3.0, 1.0, 2.0], "times")
    assert (one.value, one.low, one.high) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("bound", "value", "passed"),
    [
        (Bound(1.5), 1.5, True),
        (Bound(1.5), 1.49, False),
        (Bound(0.1, is_most=True), 0.1, True),
        (Bound(0.1, is_most=True), 0.11, False),
        (None, 0.0, None),
    ],
)
def test_a_figure_passes_when_it_reaches_its_bound(
    bound: Bound | None, value: float, passed: bool | None
) -> None:
    assert figure("it", [value], "times", bound).passed is passed


def test_a_line_says_what_must_be_reached_and_whether_it_was() -> None:
    line = str(figure("speed", [1.0, 2.0, 4.0], "times", Bound(1.5), {"rtfx": [70.0, 200.0]}))
    assert line == "speed: 2.00 times (1.00 to 4.00); at least 1.5: PASS\n    rtfx: 70, 200"


def test_a_figure_without_a_bound_has_no_verdict() -> None:
    assert str(figure("speed", [1.0], "times")) == "speed: 1.00 times"


def test_what_was_found_is_in_the_file_after_every_step(tmp_path: Path) -> None:
    path = tmp_path / "gpu.json"
    report = Report({"cpu": "one"}, io.StringIO(), path)
    assert json.loads(path.read_text()) == {"about": {"cpu": "one"}, "figures": [], "failures": {}}
    report.add(figure("speed", [2.0], "times", Bound(1.5)))
    (found,) = json.loads(path.read_text())["figures"]
    assert (found["name"], found["value"], found["passed"]) == ("speed", 2.0, True)
    report.fail("memory", "no device")
    assert json.loads(path.read_text())["failures"] == {"memory": "no device"}


def test_lines_come_as_the_steps_end() -> None:
    out = io.StringIO()
    report = Report({"cpu": "one"}, out, None)
    report.fail("memory", "no device")
    assert out.getvalue() == "cpu: one\n\nmemory: no figure: no device\n"


def test_small_and_large_numbers_read_well() -> None:
    assert shown({"a": 0.12345, "b": [1234.5, 2]}) == "a 0.123, b 1,234, 2"
