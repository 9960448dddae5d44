"""Weights from anywhere, as tensors by name: a model folder, a safetensors file, a torch state dict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from univox.errors import ModelError
from univox.model.folder import read_model
from univox.model.stored import DOMAINS, SHARED, WEIGHTS
from univox.model.tensors import file_sha256, read_tensors

STATE_DICTS = (".pt", ".pth")
SUFFIXES = (".safetensors", *STATE_DICTS)


@dataclass(frozen=True)
class Weights:
    """Tensors by name, and where they come from.

    Args:
        name: Of the file or folder.
        sha256: Of the file; of a model folder's shared weights.
        tensors: Parameters and buffers.
    """

    name: str
    sha256: str
    tensors: Mapping[str, Tensor]


def check_weights_path(path: Path) -> None:
    """Prove that there is something that `read_weights` may read.

    Raises:
        ModelError: There is nothing, or a file of another kind.
    """
    if not path.is_dir() and (not path.is_file() or path.suffix not in SUFFIXES):
        raise ModelError(
            expected=f"a model folder, or a file of weights ({', '.join(SUFFIXES)})",
            got=f"a {path.suffix or 'nameless'} file" if path.is_file() else "nothing there",
            remedy="give what `univox train` left, or a state dict saved with torch",
            path=path,
        )


def read_weights(path: Path) -> Weights:
    """Read weights by name.

    Of a model of several domains only the shared weights are read. A state dict is read with torch's
    `weights_only`, which builds tensors and plain values and calls no code of the file's; where it lies inside
    another dictionary ("state_dict", "model"), that with the most tensors is taken.

    Args:
        path: A model folder, a .safetensors file (a run's run/weights-NNNNNN.safetensors too), or a state dict as
            .pt or .pth.

    Raises:
        ModelError: It is missing, unreadable, altered, or holds no tensors.
    """
    check_weights_path(path)
    name = path.resolve().name
    if path.is_dir():
        return _of_model(path, name)
    tensors = _state_dict(path) if path.suffix in STATE_DICTS else read_tensors(path)
    if not tensors:
        raise ModelError(
            expected="tensors by name", got="none", remedy="save network.state_dict() there instead", path=path
        )
    return Weights(name, file_sha256(path), tensors)


def _of_model(path: Path, name: str) -> Weights:
    stored = read_model(path)
    tensors = read_tensors(path / SHARED)
    if len(stored.domains) == 1:
        tensors |= read_tensors(path / DOMAINS / next(iter(stored.domains)) / WEIGHTS)
    return Weights(name, stored.manifest.shared.sha256, tensors)


def _state_dict(path: Path) -> dict[str, Tensor]:
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise ModelError(
            expected="a torch state dict of tensors and plain values",
            got=" ".join(str(error).split())[:200] or type(error).__name__,
            remedy="if you trust the file, save its state_dict() anew with torch.save",
            path=path,
        ) from error
    # Beside it such a file may hold the state of an optimizer, whose tensors lie deeper and are not found.
    return max(_dictionaries(value), key=len, default={})


def _dictionaries(value: Any) -> list[dict[str, Tensor]]:
    """Give the tensors by name of a dictionary and of those directly inside it."""
    if not isinstance(value, Mapping):
        return []
    inside = [entry for entry in value.values() if isinstance(entry, Mapping)]
    return [
        {str(name): entry for name, entry in found.items() if isinstance(entry, Tensor)} for found in (value, *inside)
    ]
