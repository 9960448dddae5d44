"""The resumable state of a run: one safetensors file, its JSON in the header, replaced by rename."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from univox.atomic import written_atomically
from univox.errors import CheckpointError
from univox.model.tensors import save_tensors
from univox.training.plateau import Plateau
from univox.training.schedule import Horizon

FORMAT_VERSION = 2


@dataclass
class Progress:
    """Where a run stands.

    `seconds` is the time spent so far, over all processes; `best` the best validation's mean Dice, none
    before the first, over the domains where there are several; `best_dice` has each domain's classes. `plateau`
    is the state of that schedule, untouched by any other.
    """

    iteration: int = 0
    horizon: Horizon = field(default_factory=lambda: Horizon.of(1))
    validations: int = 1
    best: float | None = None
    best_iteration: int | None = None
    best_dice: dict[str, dict[str, float | None]] = field(default_factory=dict)
    seconds: float = 0.0
    seconds_per_iteration: float | None = None
    plateau: Plateau = field(default_factory=Plateau)


def write_tensors(path: Path, tensors: dict[str, torch.Tensor], facts: dict[str, Any]) -> None:
    """Write tensors with JSON facts in one file, atomically.

    Raises:
        FileError: The file cannot be written.
    """
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    with written_atomically(path) as partial:
        save_tensors(plain, partial, {"univox": json.dumps(facts)})


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Read what `write_tensors` wrote.

    Raises:
        CheckpointError: The file is missing, cut short, or something else.
    """
    try:
        with safe_open(path, framework="pt") as stream:  # pyright: ignore[reportNoOverloadImplementation, reportUnknownVariableType]
            facts = json.loads((stream.metadata() or {})["univox"])
            return {name: stream.get_tensor(name) for name in stream.keys()}, facts  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(
            expected="a checkpoint of a univox run",
            got=str(error) or type(error).__name__,
            remedy="start the run anew with --overwrite",
            path=path,
        ) from error


def write_checkpoint(
    path: Path,
    *,
    weights: Mapping[str, torch.Tensor],
    average: Mapping[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write everything that a resumed run needs to go on bit for bit.

    Random numbers need no state: each iteration draws its own from the run's seed and its index.

    Raises:
        FileError: The file cannot be written.
    """
    tensors = {f"network.{name}": value for name, value in weights.items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": v for key, v in state.items() if isinstance(v, torch.Tensor)}
    facts = {
        **asdict(progress),
        "horizon": progress.horizon.to_json(),
        "plateau": progress.plateau.to_json(),
        "format_version": FORMAT_VERSION,
    }
    write_tensors(path, tensors, facts)


def read_checkpoint(
    path: Path,
    *,
    weights: Mapping[str, torch.Tensor],
    average: Mapping[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
) -> Progress:
    """Put a checkpoint's values into the weights, their average and the optimizer, in place.

    Raises:
        CheckpointError: The file is unreadable, of a newer format, or of another network.
    """
    tensors, facts = read_tensors(path)
    if facts.pop("format_version", None) != FORMAT_VERSION:
        raise CheckpointError(
            expected=f"checkpoint format {FORMAT_VERSION}",
            got="another",
            remedy="resume with the version of univox that wrote it",
            path=path,
        )
    try:
        _fill(weights, _below(tensors, "network."))
        _fill(average, _below(tensors, "average."))
        _load_optimizer(optimizer, _below(tensors, "optimizer."))
        horizon = Horizon.from_json(facts.pop("horizon"))
        # A checkpoint of before there was such a schedule has no state of it.
        plateau = Plateau.from_json(facts.pop("plateau")) if "plateau" in facts else Plateau()
        return Progress(horizon=horizon, plateau=plateau, **facts)
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            expected="a checkpoint of this run's network",
            got=" ".join(str(error).split())[:300],
            remedy="start the run anew with --overwrite",
            path=path,
        ) from error


@torch.no_grad()
def _fill(places: Mapping[str, torch.Tensor], values: Mapping[str, torch.Tensor]) -> None:
    if places.keys() != values.keys():
        raise KeyError(f"other tensors: {', '.join(sorted(places.keys() ^ values.keys())[:3])}")
    for name, value in values.items():
        if places[name].shape != value.shape:
            raise ValueError(f"{name} of shape {list(value.shape)} in place of {list(places[name].shape)}")
        places[name].copy_(value)


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _below(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
