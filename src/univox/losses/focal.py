"""Focal loss: cross-entropy that looks away from what is already right."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.errors import RecipeError
from univox.losses.class_weights import weights_of_true_classes
from univox.losses.precision import check_label_shape, full_precision


class Focal(nn.Module):
    """Mean over voxels of -(1 - p)^gamma log p, p being the probability of the true class.

    Args:
        gamma: How strongly certain voxels lose weight; 0 is the cross-entropy.
        detached: Whether the factor (1 - p)^gamma is held constant in the gradient. The value stays the same, and
            the gradient becomes that of a cross-entropy with these weights.
        class_weights: One per class; a voxel counts by that of its true class. The mean is still over voxels.
        ignore_index: A label whose voxels do not count. Where nothing counts the loss is 0.

    Shape:
        logits (B, K, *spatial), label (B, *spatial) int64 -> scalar

    Raises:
        RecipeError: A negative gamma; at call, a wrong number of class weights.
        ShapeError: At call, for a label that is not on the grid of the logits.

    Source: Lin et al., ICCV 2017, Eqs. 4 and 5 (theirs is binary; gamma 2). The released code of the 3D U2-Net
        (MICCAI 2019) takes gamma 2, no class weights, and is detached; its paper says neither.
    """

    def __init__(
        self,
        *,
        gamma: float = 2.0,
        detached: bool = False,
        class_weights: Sequence[float] | None = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        if not gamma >= 0:
            raise RecipeError(expected="a gamma of 0 or more", got=str(gamma), remedy="the publication takes 2")
        self.gamma, self.detached = gamma, detached
        self.class_weights = None if class_weights is None else tuple(float(w) for w in class_weights)
        self.ignore_index = ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the loss in float32 at least."""
        check_label_shape(logits, label)
        logits = full_precision(logits)
        ignore = -100 if self.ignore_index is None else self.ignore_index
        surprise = functional.cross_entropy(logits, label, ignore_index=ignore, reduction="none")
        # 1 - p without cancellation. A voxel may be so certain that 1 - p rounds to 0, where a gamma below 1 has an
        # infinite slope: the floor makes it 0.
        doubt = -torch.expm1(-surprise)
        factor = doubt.clamp(min=torch.finfo(doubt.dtype).tiny) ** self.gamma
        losses = (factor.detach() if self.detached else factor) * surprise
        counted = torch.ones_like(label, dtype=torch.bool) if self.ignore_index is None else label != ignore
        if self.class_weights is not None:
            losses = losses * weights_of_true_classes(self.class_weights, logits, label, counted)
        return losses.sum() / counted.sum().clamp(min=1)
