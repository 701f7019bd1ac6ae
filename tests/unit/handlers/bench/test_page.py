import io
from pathlib import Path

from handlers.bench import page
from handlers.bench.report import Bound, Report, figure


def test_the_page_holds_each_figure_with_its_command_and_what_it_must_reach(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    report = Report(
        {"command": "klipscribe bench engine", "cpu": "one"}, io.StringIO(), folder / "engine.json"
    )
    report.add(figure("speed", [1.0, 2.0, 4.0], "times", Bound(1.5), {"rtfx": [70.0]}))
    report.add(figure("growth", [300.0], "MB", Bound(200.0, is_most=True)))
    report.fail("accuracy", "random weights know no words")
    text = page.write(folder).read_text()
    assert "## `klipscribe bench engine`" in text
    assert "| speed | 2 times (1 to 4) | at least 1.5 | reached |" in text
    assert "| growth | 300 MB | at most 200 | **not reached** |" in text
    assert "- no figure for accuracy: random weights know no words" in text
    assert "- speed: rtfx: 70" in text


def test_plots_stand_on_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "window-length.png").write_bytes(b"")
    assert "![window-length](benchmarks/window-length.png)" in page.write(folder).read_text()
