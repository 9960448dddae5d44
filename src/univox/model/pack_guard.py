"""What the domain of a pack may say, and which tensors it may bring."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from univox.data.classes import Classes
from univox.data.plan import Plan
from univox.data.preprocess_settings import Preprocessing, Values
from univox.errors import ModelError, UnivoxError
from univox.model.domain import Domain
from univox.model.pack_archive import DISTRUST
from univox.model.pack_json import unlawful
from univox.networks.blocks.sizes import size_rule
from univox.recipes.inference_settings import InferenceSettings

MOST_CHANNELS = 1024
MOST_VOXELS = 1 << 28
"""No window is larger: 645 voxels along each of three edges."""
MOST_WINDOWS = 1024
LONGEST_NAME = 200
LARGEST_CODE = 1 << 53
MOST_HEADER = 1 << 20
"""No header of a safetensors file is larger; one tensor takes about 150 bytes of it."""

_Figures = TypeAdapter(dict[str, float | None])
_Split = TypeAdapter(dict[str, list[str]])
_PLAN = {name: TypeAdapter(field.annotation) for name, field in Plan.model_fields.items() if field.annotation}


def check_domain(domain: Domain, path: Path) -> None:
    """Prove that what a domain says of itself can be used: names, counts, plan, preprocessing, inference, figures.

    Raises:
        ModelError: Names the first thing at fault.
    """
    if len(domain.channel_names) > MOST_CHANNELS:
        raise _refusal(f"at most {MOST_CHANNELS} channels", str(len(domain.channel_names)), path)
    _check_classes(domain, path)
    for name in (*domain.channel_names, *domain.label_classes.names):
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise _refusal(f"names of one line and at most {LONGEST_NAME} letters", repr(name[:40]), path)
    _check_plan(domain, path)
    _check_preprocessing(domain, path)
    _check_inference(domain, path)
    _validated(_Figures, domain.validation.get("dice", {}), "validation.dice", path)
    _validated(_Split, domain.provenance.get("split", {}), "provenance.split", path)


def check_window(domain: Domain, network: nn.Module, path: Path) -> None:
    """Prove that the network takes the windows that the domain is predicted in.

    Raises:
        ModelError: It does not, with the size that fits.
    """
    for size in _windows(domain):
        try:
            size_rule(network, domain.spatial_dims).check_shape(size)
        except UnivoxError as error:
            raise _refusal(f"windows that fit the network ({error.expected})", error.got, path) from error


def own_tensors(content: bytes, wanted: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Read a domain's own tensors.

    Args:
        content: Of the safetensors file.
        wanted: Tensors of the names, shapes and kinds that the network has, without memory.
        path: The pack, for messages.

    Raises:
        ModelError: They are more, fewer or others, or not all their values are finite.
    """
    most = sum(tensor.numel() * tensor.element_size() for tensor in wanted.values()) + MOST_HEADER
    if len(content) > most:
        raise _refusal(f"at most {most >> 10} KiB of weights, as the network has", f"{len(content) >> 10} KiB", path)
    found = tensors_of(content, path)
    for name in sorted(wanted.keys() | found.keys()):
        expected, got = _described(wanted, name), _described(found, name)
        if expected != got:
            raise _refusal(f"{expected} in the network", f"{got} in the pack", path)
    return found


def tensors_of(content: bytes, path: Path) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file's bytes.

    Raises:
        ModelError: It is none, its header is too long, or a value is not finite.
    """
    header = int.from_bytes(content[:8], "little")
    if header > MOST_HEADER:
        raise _refusal("a safetensors file of weights", f"one with a header of {header >> 10} KiB", path)
    try:
        found = load(content)
    except (SafetensorError, KeyError, ValueError, RuntimeError, RecursionError) as error:
        raise _refusal("a safetensors file of weights", " ".join(str(error).split())[:160], path) from error
    for name, tensor in found.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor.float()).all():
            raise _refusal("finite weights", f"nan or infinity in {name[:80]!r}", path)
    return found


def _check_classes(domain: Domain, path: Path) -> None:
    try:
        classes = Classes.from_json(domain.classes)
    except (UnivoxError, AttributeError, OverflowError) as error:
        got = error.got if isinstance(error, UnivoxError) else str(error)
        raise _refusal("classes with names and codes in domain.json", got[:160], path) from error
    # As text, for to Python 0 and False are equal.
    same = json.dumps(classes.to_json(), sort_keys=True) == json.dumps(domain.classes, sort_keys=True)
    if not same or any(abs(code) > LARGEST_CODE for code in classes.codes):
        raise _refusal("classes with names and codes in domain.json", "other values among them", path)


def _check_plan(domain: Domain, path: Path) -> None:
    for name, value in domain.plan.items():
        # What a newer plan adds is read by nobody here.
        if name in _PLAN:
            _validated(_PLAN[name], _numbers_filled(value) if name == "intensity" else value, f"plan.{name}", path)
    _check_lengths(
        {name: domain.plan.get(name) for name in ("patch_size", "spacing_mm", "median_shape")},
        domain.spatial_dims,
        "axis",
        path,
    )


def _check_preprocessing(domain: Domain, path: Path) -> None:
    settings = _validated(TypeAdapter(Preprocessing), domain.preprocessing, "preprocessing", path)
    if not settings.resolved:
        raise _refusal("preprocessing that is decided", "a setting that is left 'auto'", path)
    spacing, clip, scale = settings.spacing_mm, settings.clip, settings.normalization
    _check_lengths({"spacing_mm": spacing if isinstance(spacing, tuple) else None}, domain.spatial_dims, "axis", path)
    limits = clip.low if isinstance(clip, Values) else None
    _check_lengths({"clip.low": limits, "mean": scale.mean}, len(domain.channel_names), "channel", path)


def _check_inference(domain: Domain, path: Path) -> None:
    settings = _validated(TypeAdapter(InferenceSettings), domain.inference, "inference", path)
    if isinstance(settings.windows_per_batch, int) and settings.windows_per_batch > MOST_WINDOWS:
        raise _refusal(f"at most {MOST_WINDOWS} windows at once", str(settings.windows_per_batch), path)
    for size in _windows(domain):
        if len(size) != domain.spatial_dims or min(size) < 1 or math.prod(size) > MOST_VOXELS:
            expected = f"windows of {domain.spatial_dims} edges and at most {MOST_VOXELS} voxels"
            raise _refusal(expected, f"{list(size)}"[:80], path)
        try:
            settings.steps(size)
        except UnivoxError as error:
            raise _refusal(error.expected, error.got, path) from error


def _windows(domain: Domain) -> list[tuple[int, ...]]:
    """The sizes that a domain is trained and predicted in, where it states them."""
    stated = (domain.plan.get("patch_size"), domain.inference.get("window_size"))
    return [tuple(size) for size in stated if isinstance(size, Sequence) and not isinstance(size, str)]


def _check_lengths(lists: Mapping[str, Sequence[Any] | None], length: int, each: str, path: Path) -> None:
    for name, values in lists.items():
        if values is not None and len(values) != length:
            raise _refusal(f"{length} values of {name}, one per {each}", str(len(values)), path)


def _validated(kind: TypeAdapter[Any], value: Any, place: str, path: Path) -> Any:
    try:
        return kind.validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise unlawful(error, place, path) from error


def _numbers_filled(value: Any) -> Any:
    """The same with 0 for null, which stands for a number that JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _numbers_filled(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_numbers_filled(entry) for entry in value]
    return 0.0 if value is None else value


def _described(tensors: Mapping[str, Tensor], name: str) -> str:
    if name not in tensors:
        return f"no {name[:80]!r}"
    kind = str(tensors[name].dtype).removeprefix("torch.")
    return f"{name[:80]!r} of shape {list(tensors[name].shape)} in {kind}"


def _refusal(expected: str, got: str, path: Path) -> ModelError:
    return ModelError(expected=expected, got=got, remedy=DISTRUST, path=path)
