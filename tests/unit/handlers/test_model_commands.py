from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from handlers.cli import app
from infra.model_manifest import MANIFEST, WEIGHTS, read
from tests.conftest import TINY_MODEL


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["model", "prepare", *map(str, arguments)])


def test_a_folder_that_holds_something_else_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = run(TINY_MODEL, tmp_path)
    assert result.exit_code == 2
    assert "holds other files" in " ".join(result.stderr.replace("│", " ").split())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_in_the_folders_place_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run(TINY_MODEL, tmp_path / "file").exit_code == 2


def test_an_unknown_precision_is_wrong_usage(tmp_path: Path) -> None:
    assert run(TINY_MODEL, tmp_path / "new", "--precision", "int8").exit_code == 2


def test_a_model_that_is_not_there_is_a_failure_that_says_what_to_set(tmp_path: Path) -> None:
    result = run("random:7b", tmp_path / "new")
    assert result.exit_code == 1
    assert "error: there is no model random:7b; expected one of" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.asr
def test_a_broken_file_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "broken.nemo").write_bytes(b"no model")
    result = run(tmp_path / "broken.nemo", tmp_path / "new")
    assert result.exit_code == 1
    assert "broken.nemo can't be loaded" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["broken.nemo"]


@pytest.mark.asr
def test_a_model_is_prepared_and_then_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "model"
    first = run(TINY_MODEL, folder)
    assert first.exit_code == 0
    assert "parakeet-tdt-tiny, bf16, 6 MB" in first.stderr
    assert f"PARAKEET_MODEL_NAME={folder}" in first.stderr
    assert first.stdout == ""
    half = read(folder).files[WEIGHTS].bytes
    assert run(TINY_MODEL, folder, "--precision", "fp32").exit_code == 0
    assert read(folder).files[WEIGHTS].bytes > 1.5 * half
    assert (folder / MANIFEST).stat().st_mode & 0o444 == 0o444
    assert (folder / WEIGHTS).stat().st_mode & 0o444 == 0o444
