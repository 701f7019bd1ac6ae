import io
from pathlib import Path

import pytest
from rich.console import Console

from handlers.arguments import LeadsOutside
from handlers.local_run import Files
from handlers.printing import write_outputs


@pytest.mark.parametrize("name", ["../evil.srt", "/tmp/evil.srt", "a/../../evil.srt"])  # noqa: S108 - a name
def test_nothing_is_written_when_one_name_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = Files("talk.mp3", {}, {"words": b"w", "srt": b"s"}, {"words": "talk/words.csv", "srt": name})
    with pytest.raises(LeadsOutside):
        write_outputs(result, folder, Console(file=io.StringIO()))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_is_said_to_be_replaced(tmp_path: Path) -> None:
    told = io.StringIO()
    result = Files("talk.mp3", {}, {"srt": b"s"}, {"srt": "talk/[b]audio.srt"})
    for _ in range(2):
        write_outputs(result, tmp_path, Console(file=told))
    path = tmp_path / "talk/[b]audio.srt"
    assert told.getvalue() == f"wrote {path}\nreplaced {path}\n"
