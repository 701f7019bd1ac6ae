"""What is decided about a model's name before torch or NeMo are imported."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from core.errors import EngineFailed
from infra import models, random_tokenizer
from infra.model_manifest import CONFIG, FORMAT, MANIFEST, WEIGHTS, digest

FILES = {CONFIG: b"encoder: {}", WEIGHTS: b"weights"}


def prepared(folder: Path, **changes: Any) -> Path:
    """A folder in order, but for what is changed in its manifest."""
    folder.mkdir(exist_ok=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    stored = {name: digest(folder / name) for name in FILES}
    values = {
        "format": FORMAT,
        "name": "nvidia/some-model",
        "precision": "bf16",
        "nemo": version("nemo_toolkit"),
        "files": {name: {"bytes": one.bytes, "sha256": one.sha256} for name, one in stored.items()},
        **changes,
    }
    (folder / MANIFEST).write_text(json.dumps(values))
    return folder


def refusal(name_or_path: Path | str) -> str:
    """Why the model can't be assembled."""
    with pytest.raises(EngineFailed) as caught:
        models.assemble(str(name_or_path), "fp32")
    assert caught.value.code == "engine_model_unavailable"
    assert caught.value.deterministic
    return str(caught.value)


def test_a_folder_without_a_manifest_is_no_prepared_model(tmp_path: Path) -> None:
    assert f"holds no {MANIFEST}" in refusal(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', "\x00"])
def test_a_manifest_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (prepared(tmp_path) / MANIFEST).write_text(text)
    assert "makes no sense" in refusal(tmp_path)


def test_another_format_is_refused_by_its_number(tmp_path: Path) -> None:
    assert "has the format 0, expected 1" in refusal(prepared(tmp_path, format=0))


def test_an_unknown_precision_is_refused(tmp_path: Path) -> None:
    assert "makes no sense" in refusal(prepared(tmp_path, precision="int3"))


def test_a_folder_of_another_nemo_is_refused_with_both_versions(tmp_path: Path) -> None:
    why = refusal(prepared(tmp_path, nemo="1.0.0"))
    assert f"made with NeMo 1.0.0, and {version('nemo_toolkit')} is installed" in why


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (prepared(tmp_path) / name).unlink()
    assert f"{name} is missing" in refusal(tmp_path)


def test_a_file_that_the_manifest_forgot_is_named(tmp_path: Path) -> None:
    assert f"{CONFIG} is missing" in refusal(prepared(tmp_path, files={}))


def test_weights_that_were_cut_short_are_told_by_their_length(tmp_path: Path) -> None:
    (prepared(tmp_path) / WEIGHTS).write_bytes(b"weig")
    assert f"{WEIGHTS} has 4 bytes, expected 7" in refusal(tmp_path)


def test_every_refusal_of_a_folder_says_what_to_do(tmp_path: Path) -> None:
    assert f"klipscribe model prepare NAME_OR_PATH {tmp_path}" in refusal(tmp_path)


def test_an_unknown_random_model_is_refused_with_those_there_are() -> None:
    assert "no model random:7b; expected one of random:0.6b, random:tiny" in refusal("random:7b")


def test_the_name_of_a_model_is_short() -> None:
    assert models.name_of("/models/parakeet-tdt-0.6b-v2.nemo") == "parakeet-tdt-0.6b-v2"
    assert models.name_of("nvidia/parakeet-tdt-0.6b-v2") == "nvidia/parakeet-tdt-0.6b-v2"


def test_a_prepared_folder_tells_its_models_name(tmp_path: Path) -> None:
    assert models.name_of(str(prepared(tmp_path))) == "nvidia/some-model"


def test_only_a_prepared_folders_weights_are_read_ahead(tmp_path: Path) -> None:
    assert models.prefetch(str(tmp_path)) is None
    assert models.prefetch("nvidia/parakeet-tdt-0.6b-v2") is None
    reading = models.prefetch(str(prepared(tmp_path)))
    assert reading is not None
    reading.join(10)
    assert not reading.is_alive()


def test_reading_ahead_leaves_a_file_that_vanishes_to_the_loader(tmp_path: Path) -> None:
    models.read_through(tmp_path / "gone")


def test_a_free_name_an_empty_folder_and_a_prepared_model_may_be_written(tmp_path: Path) -> None:
    models.check_replaceable(tmp_path / "free")
    models.check_replaceable(tmp_path)
    models.check_replaceable(prepared(tmp_path / "old"))


def test_a_new_folder_takes_the_place_of_the_old_one_and_leaves_nothing_behind(tmp_path: Path) -> None:
    old = prepared(tmp_path / "model")
    with models._sibling(old) as fresh:
        (fresh / "new").touch()
        assert old.is_dir()
        models._swap(fresh, old)
    assert [path.name for path in old.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [old]


def test_a_preparation_that_fails_leaves_the_old_folder_as_it_was(tmp_path: Path) -> None:
    old = prepared(tmp_path / "model")

    def half_done() -> None:
        with models._sibling(old) as fresh:
            (fresh / "half").touch()
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        half_done()
    assert sorted(path.name for path in old.iterdir()) == sorted([*FILES, MANIFEST])
    assert list(tmp_path.iterdir()) == [old]


def test_refusals_come_before_torch_is_imported(tmp_path: Path) -> None:
    check = (
        "import sys; from infra import models\n"
        "for name in sys.argv[1:]:\n"
        "    try: models.assemble(name, 'fp32')\n"
        "    except models.EngineFailed: pass\n"
        "sys.exit(any(m.split('.')[0] in ('torch', 'nemo') for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check, str(tmp_path), "random:7b"], check=False)
    assert done.returncode == 0


def test_made_up_pieces_are_all_different() -> None:
    pieces = random_tokenizer.pieces(1024)
    assert len(set(pieces)) == len(pieces) == 1024
    assert pieces[:4] == ("<unk>", ".", ",", "?")
    assert 0.45 < sum(piece.startswith("▁") for piece in pieces) / 1024 < 0.55
