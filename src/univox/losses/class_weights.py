"""The weight of a voxel by its class."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from univox.errors import RecipeError


def weights_of_true_classes(class_weights: Sequence[float], logits: Tensor, label: Tensor, counted: Tensor) -> Tensor:
    """Look up each voxel's weight: that of its true class.

    Args:
        class_weights: One per class, background first.
        logits: Give the number of classes, the dtype and the device.
        label: Class indices where `counted`.
        counted: Boolean; elsewhere the weight means nothing (it is that of class 0).

    Shape:
        logits (B, K, *spatial), label and counted (B, *spatial) -> (B, *spatial)

    Raises:
        RecipeError: There are not K weights.
    """
    check_class_weights(class_weights, logits)
    return logits.new_tensor(class_weights)[torch.where(counted, label, 0)]


def check_class_weights(class_weights: Sequence[float], logits: Tensor) -> None:
    """Raise RecipeError unless there is one weight per class of the logits (B, K, *spatial)."""
    if len(class_weights) != logits.shape[1]:
        raise RecipeError(
            expected=f"{logits.shape[1]} class weights",
            got=str(len(class_weights)),
            remedy="give one per class, background first",
        )
