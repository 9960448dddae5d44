"""Tensors in safetensors files: written by name, hashed, and checked against a network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save, save_file
from torch import Tensor, nn

from univox.atomic import written_atomically
from univox.errors import ModelError
from univox.networks.domain_parts import domain_state_names

_METADATA = {"format": "pt"}


def divided_state(network: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Divide a network's parameters and buffers into shared ones and its domain's own.

    What is whose, `univox.networks.domain_parts` says.
    """
    state = network.state_dict()
    own = set(domain_state_names(network))
    shared = {name: tensor for name, tensor in state.items() if name not in own}
    return shared, {name: tensor for name, tensor in state.items() if name in own}


def count_among(network: nn.Module, names: Iterable[str]) -> int:
    """Count the values of those parameters; buffers among the names count nothing."""
    wanted = set(names)
    return sum(parameter.numel() for name, parameter in network.named_parameters() if name in wanted)


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors atomically and give the file's sha256; equal tensors make equal bytes.

    Raises:
        FileError: The file cannot be written.
    """
    with written_atomically(path) as partial:
        save_tensors(_plain(tensors), partial, _METADATA)
        return file_sha256(partial)


def save_tensors(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write tensors to a file as they are.

    Raises:
        OSError: The file cannot be written; safetensors has an error of its own for a full disk.
    """
    try:
        save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def tensor_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """Give the bytes of the file that `write_tensors` would write."""
    return save(_plain(tensors), metadata=_METADATA)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a file.

    Raises:
        ModelError: It is missing or not a safetensors file.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            expected="a safetensors file of weights",
            got=" ".join(str(error).split()) or type(error).__name__,
            remedy="copy the model folder again",
            path=path,
        ) from error


def file_sha256(path: Path) -> str:
    """Give the sha256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_hash(path: Path, sha256: str) -> None:
    """Prove that a weights file is the one that its model was written with.

    Raises:
        ModelError: It is missing, unreadable or altered.
    """
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ModelError(
            expected="a weights file of this model",
            got=error.strerror or str(error),
            remedy="copy the model folder again, with everything in it",
            path=path,
        ) from error
    if found != sha256:
        raise ModelError(
            expected=f"weights with sha256 {sha256[:12]}...",
            got=f"altered weights with sha256 {found[:12]}...",
            remedy="copy the model folder again; the weights are not those that it was written with",
            path=path,
        )


def check_tensors(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Prove that tensors have the names and shapes of a network.

    Raises:
        ModelError: Names the first that is missing, too many, or of another shape.
    """
    wanted = network.state_dict()
    for name in sorted(wanted.keys() | state.keys()):
        if name in wanted and name in state and wanted[name].shape == state[name].shape:
            continue
        raise ModelError(
            expected=f"{_described(wanted, name)} in the network",
            got=f"{_described(state, name)} in the weights",
            remedy="use the univox version named in model.json, or train the model again",
            path=path,
        )


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # Clones: safetensors takes neither views of one memory nor the channels-last order.
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}


def _described(tensors: Mapping[str, Tensor], name: str) -> str:
    return f"'{name}' of shape {list(tensors[name].shape)}" if name in tensors else f"no '{name}'"
