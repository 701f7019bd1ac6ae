"""A prepared model against the `.nemo` file that it was made from."""

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import EngineFailed
from infra import models
from infra.model_folder import open_folder
from infra.model_manifest import CONFIG, MANIFEST, WEIGHTS, Manifest, differing, read
from tests.conftest import TINY_MODEL
from tests.recordings import short_samples

pytestmark = pytest.mark.asr


@pytest.fixture(scope="module")
def restored() -> Any:
    import torch

    torch.set_num_threads(1)  # with more, a busy machine makes so small a model ten times slower
    return models.assemble(str(TINY_MODEL), "fp32")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    models.prepare(str(TINY_MODEL), folder, "fp32")
    return folder


@pytest.fixture
def spoilt(prepared: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy to break."""
    copy = tmp_path / "copy"
    shutil.copytree(prepared, copy)
    yield copy
    with pytest.raises(EngineFailed, match=r"klipscribe model prepare NAME_OR_PATH") as caught:
        models.assemble(str(copy), "fp32")
    assert caught.value.code == "engine_model_unavailable"
    assert caught.value.deterministic


def tensors(model: Any) -> dict[str, Any]:
    """Weights and buffers, those too that are not saved."""
    return {**dict(model.named_buffers()), **model.state_dict()}


def assert_same(found: Any, expected: Any) -> None:
    import torch

    ours, theirs = tensors(found), tensors(expected)
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype, name
        assert torch.equal(ours[name], tensor), name


def encoded(model: Any) -> list[Any]:
    """What the encoder makes of the sample recordings, as one batch, and what the joint makes of that."""
    import torch

    clips = [torch.from_numpy(recording.audio()) for recording in short_samples()]
    audio = torch.nn.utils.rnn.pad_sequence(clips, batch_first=True)
    model.preprocessor.featurizer.dither = 0.0
    with torch.inference_mode():
        features, length = model.preprocessor(
            input_signal=audio, length=torch.tensor([len(clip) for clip in clips])
        )
        heard, length = model.encoder(audio_signal=features, length=length)
        tokens, _ = model.decoder.predict(torch.tensor([[3, 14, 15]]), None, add_sos=True)
        joined = model.joint.joint(heard[:1].transpose(1, 2), tokens)
    return [features, heard, length, tokens, joined]


def test_every_tensor_of_a_prepared_model_is_that_of_the_file(prepared: Path, restored: Any) -> None:
    opened = models.assemble(str(prepared), "fp32")
    assert_same(opened, restored)
    assert not opened.training
    assert all(parameter.device.type == "cpu" for parameter in opened.parameters())


def test_recordings_come_out_of_a_prepared_model_bit_for_bit_the_same(prepared: Path, restored: Any) -> None:
    import torch

    opened = models.assemble(str(prepared), "fp32")
    for ours, theirs in zip(encoded(opened), encoded(restored), strict=True):
        assert torch.equal(ours, theirs)


def test_words_of_a_prepared_model_are_those_of_the_file(prepared: Path, restored: Any) -> None:
    opened = models.assemble(str(prepared), "fp32")
    clips = [recording.audio() for recording in short_samples()[:2]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NeMo's own use of torch's and lhotse's older interfaces
        ours, theirs = (
            [text.text for text in model.transcribe(clips, batch_size=2, verbose=False)]
            for model in (opened, models.assemble(str(TINY_MODEL), "fp32"))
        )
    assert ours == theirs
    assert all(ours)


def test_a_half_precision_folder_holds_what_the_rounded_encoder_holds(tmp_path: Path) -> None:
    import torch

    models.prepare(str(TINY_MODEL), tmp_path / "half", "bf16")
    rounded = models.assemble(str(TINY_MODEL), "bf16")
    assert_same(models.assemble(str(tmp_path / "half"), "bf16"), rounded)
    raised = models.assemble(str(tmp_path / "half"), "fp32")
    rounded.encoder.to(torch.float32)
    for name, tensor in rounded.state_dict().items():
        assert torch.equal(raised.state_dict()[name], tensor), name


def test_an_opened_folder_keeps_its_own_precision_unless_another_is_asked_for(prepared: Path) -> None:
    import torch

    assert next(open_folder(prepared).encoder.parameters()).dtype == torch.float32
    half = open_folder(prepared, "bf16")
    assert next(half.encoder.parameters()).dtype == torch.bfloat16
    assert next(half.decoder.parameters()).dtype == torch.float32


def test_a_prepared_model_can_be_prepared_again_in_its_own_place(spoilt: Path, restored: Any) -> None:
    before = read(spoilt)
    models.prepare(str(spoilt), spoilt, "fp32")
    after = read(spoilt)
    assert after.name == before.name == "parakeet-tdt-tiny"
    assert after.files[WEIGHTS] == before.files[WEIGHTS]
    assert_same(models.assemble(str(spoilt), "fp32"), restored)
    assert [path.name for path in spoilt.parent.iterdir()] == [spoilt.name]
    (spoilt / WEIGHTS).unlink()


def test_modules_built_elsewhere_meanwhile_keep_their_values(prepared: Path) -> None:
    import threading

    import torch
    from torch.nn.modules.module import register_module_parameter_registration_hook

    begun, made = threading.Event(), []

    def other() -> None:
        begun.wait(60)
        made.append(torch.nn.Linear(2, 2))

    thread = threading.Thread(target=other)
    thread.start()

    def at_the_first_parameter(_module: Any, _name: str, _parameter: Any) -> None:
        if threading.current_thread() is not thread and thread.is_alive():
            begun.set()
            thread.join(60)

    hook = register_module_parameter_registration_hook(at_the_first_parameter)
    try:
        open_folder(prepared)
    finally:
        hook.remove()
    assert not made[0].weight.is_meta
    assert not torch.nn.Linear(2, 2).weight.is_meta


def test_the_sums_tell_which_file_has_changed(spoilt: Path) -> None:
    manifest = read(spoilt)
    assert differing(spoilt, manifest) == []
    with (spoilt / WEIGHTS).open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x55")
    assert differing(spoilt, manifest) == [WEIGHTS]
    (spoilt / WEIGHTS).unlink()


def test_weights_of_another_model_are_refused(spoilt: Path) -> None:
    from safetensors.torch import load_file, save_file

    state = load_file(spoilt / WEIGHTS)
    state.popitem()
    save_file(state, spoilt / WEIGHTS)
    rewrite(spoilt, WEIGHTS)


def test_weights_that_are_no_safetensors_are_refused(spoilt: Path) -> None:
    (spoilt / WEIGHTS).write_bytes(b"no weights")
    rewrite(spoilt, WEIGHTS)


def test_a_configuration_of_a_larger_model_is_refused(spoilt: Path) -> None:
    config = (spoilt / CONFIG).read_text().replace("n_layers: 6", "n_layers: 7")
    (spoilt / CONFIG).write_text(config)
    rewrite(spoilt, CONFIG)


def rewrite(folder: Path, name: str) -> None:
    """Let the manifest say that the changed file is right."""
    from infra.model_manifest import digest

    manifest = read_unchecked(folder)
    files = {**manifest["files"], name: {"bytes": digest(folder / name).bytes, "sha256": ""}}
    (folder / MANIFEST).write_text(json.dumps({**manifest, "files": files}))


def read_unchecked(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return values


def test_a_manifest_survives_its_own_file(prepared: Path) -> None:
    manifest = read(prepared)
    assert isinstance(manifest, Manifest)
    assert manifest.precision == "fp32"
    assert {CONFIG, WEIGHTS} <= manifest.files.keys()
