"""Losses by name. Nothing here imports torch before a loss is built."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import TYPE_CHECKING, Any

from univox.errors import RecipeError

if TYPE_CHECKING:
    from torch import nn

LOSSES: dict[str, str] = {
    "cross-entropy": "univox.losses.cross_entropy.CrossEntropy",
    "dice": "univox.losses.dice.SoftDice",
    "dice-cross-entropy": "univox.losses.combined.DiceCrossEntropy",
    "focal": "univox.losses.focal.Focal",
    "lovasz": "univox.losses.lovasz.LovaszSoftmax",
    "lovasz-focal": "univox.losses.combined.LovaszFocal",
    "border-cross-entropy": "univox.losses.border_cross_entropy.BorderWeightedCrossEntropy",
}


def build_loss(name: str, **arguments: Any) -> nn.Module:
    """Build a loss.

    Args:
        name: A name of `LOSSES`.
        arguments: Of its class.

    Returns:
        A module from logits (B, K, *spatial), or a tuple of them, finest first, and a label (B, *spatial) of
        int64 to a scalar.

    Raises:
        RecipeError: An unknown name or argument.
    """
    if name not in LOSSES:
        raise RecipeError(expected=f"a loss of {', '.join(LOSSES)}", got=repr(name), remedy="choose one of them")
    module_name, _, class_name = LOSSES[name].rpartition(".")
    kind = getattr(import_module(module_name), class_name)
    try:
        inspect.signature(kind).bind(**arguments)
    except TypeError as error:
        raise RecipeError(
            expected=f"arguments of {name}: {inspect.signature(kind)}",
            got=f"{arguments} ({error})",
            remedy="correct loss.arguments in the recipe",
        ) from error
    from univox.losses.deep_supervision import DeepSupervision

    return DeepSupervision(kind(**arguments))
