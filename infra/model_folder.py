"""A prepared model: a folder whose weights are mapped into memory, not unpacked, built and copied.

    klipscribe-model.json   what the folder holds: see Manifest
    model_config.yaml       NeMo's configuration; its paths that begin with nemo: lie in this folder
    *_tokenizer.model ...   the files that the configuration names
    weights.safetensors     the state of the model

Opening one costs neither the memory nor the time of random weights that are then overwritten.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.memory import Precision
from infra.model_manifest import (
    CONFIG,
    MANIFEST,
    WEIGHTS,
    Manifest,
    digest,
    nemo_version,
    read,
    unusable,
)
from infra.quiet import quiet


def is_folder(path: Path) -> bool:
    """Whether a prepared model, in order or not, lies here."""
    return (path / MANIFEST).is_file()


def save(model: Any, folder: Path, precision: Precision, name: str) -> Manifest:
    """Write a NeMo model into an empty folder, the manifest last: a folder without one is not complete.

    Args:
        model: on the CPU, as restore_from or from_pretrained give it.
        folder: exists, and is empty.
        precision: bf16 halves the encoder; the rest stays in fp32.
        name: what the model is called.

    Raises:
        OSError: the folder can't be written to.
    """
    from nemo.core.connectors.save_restore_connector import SaveRestoreConnector
    from safetensors.torch import save_file

    class Folder(SaveRestoreConnector):  # type: ignore[misc]  # NeMo has no types
        """Writes the configuration and the files that it names as NeMo does, the weights as safetensors."""

        @staticmethod
        def _save_state_dict_to_disk(state_dict: Mapping[str, Any], filepath: str) -> None:
            weights = Path(filepath).with_name(WEIGHTS)
            stored = {key: _stored(key, value, precision) for key, value in state_dict.items()}
            save_file(_apart(stored), weights)
            weights.chmod(0o644)  # safetensors writes for its owner alone; an image runs as somebody else

    connector = Folder()
    connector.pack_nemo_file = False
    connector.save_to(model, str(folder / CONFIG))
    files = {path.name: digest(path) for path in sorted(folder.iterdir())}
    manifest = Manifest(name=name, precision=precision, nemo=nemo_version(), files=files)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def open_folder(folder: Path, precision: Precision | None = None) -> Any:
    """The NeMo model of a prepared folder, on the CPU, in eval mode, bit for bit as it was saved.

    Args:
        folder: as `save` wrote it.
        precision: of the encoder in memory; none leaves it as it is stored.

    Raises:
        EngineFailed: engine_model_unavailable: incomplete, damaged, or made for another version.
    """
    manifest = read(folder)
    from nemo.collections.asr.models import ASRModel
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with quiet(), _being_restored(folder), _without_weights():
        model = ASRModel.from_config_dict(_config(folder))
    try:
        state = load_file(folder / WEIGHTS)
        wanted = precision or manifest.precision
        model.load_state_dict({key: _stored(key, state.pop(key), wanted) for key in list(state)}, assign=True)
    except (SafetensorError, RuntimeError) as error:
        raise unusable(folder, f"holds weights that don't fit ({type(error).__name__})") from error
    _place_positions(model)
    _check_complete(folder, model)
    return model.eval()


def _stored(key: str, tensor: Any, precision: Precision) -> Any:
    """The tensor in the type it has at this precision; itself where it has that already."""
    import torch

    if not tensor.is_floating_point():
        return tensor
    half = precision == "bf16" and key.startswith("encoder.")
    return tensor.to(torch.bfloat16 if half else torch.float32)


def _apart(state: dict[str, Any]) -> dict[str, Any]:
    """Give tensors that share their memory one of their own: safetensors takes no aliases."""
    seen: set[int] = set()
    for key, tensor in state.items():
        if tensor.data_ptr() in seen:
            state[key] = tensor.clone()
        seen.add(tensor.data_ptr())
        state[key] = state[key].contiguous()
    return state


def _config(folder: Path) -> Any:
    """NeMo's configuration with absolute paths, so that the opened model can be saved once more."""
    from omegaconf import OmegaConf

    def placed(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: placed(value) for key, value in node.items()}
        if isinstance(node, str) and node.startswith("nemo:"):
            return str(folder.absolute() / node.removeprefix("nemo:"))
        return node

    return OmegaConf.create(placed(OmegaConf.to_container(OmegaConf.load(folder / CONFIG), resolve=True)))


@contextmanager
def _being_restored(folder: Path) -> Iterator[None]:
    """Tell NeMo not to look for the data sets on which the model was trained."""
    from nemo.core.classes import ModelPT

    ModelPT._set_model_restore_state(is_being_restored=True, folder=str(folder))  # noqa: SLF001 # no public way
    try:
        yield
    finally:
        ModelPT._set_model_restore_state(is_being_restored=False)  # noqa: SLF001


@contextmanager
def _without_weights() -> Iterator[None]:
    """Let this thread's modules have parameters on the meta device: sizes without memory or values.

    A default device of meta would also move the scalars from which the subsampling computes its lengths.
    A parameter's memory is not touched before it is registered, so that taking it here costs nothing.
    """
    import torch
    from torch.nn.modules.module import register_module_parameter_registration_hook

    builder = threading.get_ident()

    def sizes_only(_module: Any, _name: str, parameter: Any) -> Any:
        if threading.get_ident() != builder or parameter is None:
            return parameter
        return torch.nn.Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)

    hook = register_module_parameter_registration_hook(sizes_only)
    try:
        yield
    finally:
        hook.remove()


def _place_positions(model: Any) -> None:
    """Compute the table of positions, which is no weight: NeMo put it where the encoder's weights were."""
    encoder = model.encoder
    positions = getattr(encoder, "pos_enc", None)
    if positions is not None and positions.pe.is_meta:
        del positions.pe
        encoder.set_max_audio_length(encoder.pos_emb_max_len)


def _check_complete(folder: Path, model: Any) -> None:
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    empty = [name for name, tensor in tensors.items() if tensor.is_meta]
    if empty:
        raise unusable(folder, f"leaves {len(empty)} tensors without values, {empty[0]} first")
