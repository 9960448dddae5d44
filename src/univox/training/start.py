"""What a run begins with besides random numbers: weights of another network, and parts that stay as they are."""

from __future__ import annotations

import json
from typing import Any

from torch import nn

from univox.atomic import write_json
from univox.errors import RecipeError
from univox.model.weights import check_weights_path, read_weights
from univox.networks.parts import encoder_parts, freeze, names_under
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.transfer import transfer

RECORD = "init.json"


def check_start(request: TrainRequest) -> None:
    """Find out, before any work, that there is nothing to start from.

    Raises:
        ModelError: What `init_from` names is not there, or is nothing that holds weights.
        RecipeError: A part is to be taken from nowhere.
    """
    if request.init_from is not None and not _has_checkpoint(request):
        check_weights_path(request.init_from)
    if request.init_from is not None and len(request.datasets) > 1:
        raise RecipeError(
            expected="one dataset to train on from other weights",
            got=f"{len(request.datasets)}",
            remedy="leave --init-from out, or add datasets to that model one by one with `univox extend`",
        )
    if request.init_from is None and request.init_part != "network":
        raise RecipeError(
            expected=f"something to take the {request.init_part} from",
            got="none",
            remedy="add --init-from MODEL, or leave --init-part out",
        )


def begin_with(network: nn.Module, request: TrainRequest, observer: Observer) -> tuple[str, ...]:
    """Give a new network the weights that the request names, and freeze what it wants frozen.

    A run that has a checkpoint reads no weights again: they are in the checkpoint, as training has changed them.

    Returns:
        The frozen modules' names.

    Raises:
        ModelError: The weights cannot be read, or nothing of them fits.
        RecipeError: The network does not say which part is its encoder.
    """
    parts = () if request.freeze is None else encoder_parts(network)
    if request.init_from is not None and not _has_checkpoint(request):
        taken = transfer(network, read_weights(request.init_from), part=request.init_part)
        for line in taken.lines():
            observer.stage(line)
        stuck = names_under((*taken.other_shape, *taken.missing), parts)
        if stuck:
            observer.stage(f"{len(stuck)} tensors of what is frozen were not taken: they keep their random start")
        write_json(request.run_folder / RECORD, taken.to_json())
    if parts:
        observer.stage(f"frozen: the {request.freeze} ({', '.join(parts)}), {freeze(network, parts):,} values")
    return parts


def start_of(request: TrainRequest) -> dict[str, Any]:
    """Give what a model's provenance says of its start: nothing for a run from random weights."""
    facts: dict[str, Any] = {}
    if request.init_from is not None:
        facts["init"] = json.loads((request.run_folder / RECORD).read_text(encoding="utf-8"))
    if request.freeze is not None:
        facts["frozen"] = request.freeze
    return facts


def _has_checkpoint(request: TrainRequest) -> bool:
    return (request.run_folder / "checkpoint.safetensors").exists()
