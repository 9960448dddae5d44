"""Cross-entropy over voxels, with weights of classes and voxels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.errors import RecipeError
from univox.losses.class_weights import weights_of_true_classes
from univox.losses.precision import check_label_shape, full_precision

Average = Literal["voxels", "weights", "sum"]


class CrossEntropy(nn.Module):
    """Weighted sum of -log p(true class) over voxels, divided as `average` says.

    Args:
        class_weights: One per class; a voxel counts by that of its true class.
        ignore_index: A label whose voxels do not count.
        average: "voxels": divided by the voxels that count; "weights": by the sum of their weights; "sum": not.
            Where nothing counts the loss is 0.

    Shape:
        logits (B, K, *spatial), label (B, *spatial) int64, voxel_weights (B, *spatial) or None -> scalar

    Raises:
        RecipeError: An unknown average.
        ShapeError: At call, for a label that is not on the grid of the logits.
    """

    def __init__(
        self,
        *,
        class_weights: Sequence[float] | None = None,
        ignore_index: int | None = None,
        average: Average = "voxels",
    ) -> None:
        super().__init__()
        if average not in get_args(Average):
            raise RecipeError(
                expected=f"an average of {', '.join(get_args(Average))}",
                got=repr(average),
                remedy="choose one of them",
            )
        self.class_weights = None if class_weights is None else tuple(float(w) for w in class_weights)
        self.ignore_index = ignore_index
        self.average = average

    def forward(self, logits: Tensor, label: Tensor, voxel_weights: Tensor | None = None) -> Tensor:
        """Compute the loss in float32 at least."""
        check_label_shape(logits, label)
        logits = full_precision(logits)
        ignore = -100 if self.ignore_index is None else self.ignore_index
        if self.class_weights is None and voxel_weights is None:
            total = functional.cross_entropy(logits, label, ignore_index=ignore, reduction="sum")
            if self.average == "sum":
                return total
            count = label.numel() if self.ignore_index is None else int((label != ignore).sum())
            return total / max(count, 1)
        losses = functional.cross_entropy(logits, label, ignore_index=ignore, reduction="none")
        weights = self._weights(logits, label, voxel_weights)
        total = (weights * losses).sum()
        if self.average == "sum":
            return total
        divisor = weights.sum() if self.average == "weights" else self._counted(label).sum()
        return total / torch.where(divisor == 0, 1, divisor)

    def _counted(self, label: Tensor) -> Tensor:
        return torch.ones_like(label) if self.ignore_index is None else label != self.ignore_index

    def _weights(self, logits: Tensor, label: Tensor, voxel_weights: Tensor | None) -> Tensor:
        counted = self._counted(label)
        weights = counted.to(logits.dtype)
        if voxel_weights is not None:
            weights = weights * voxel_weights
        if self.class_weights is None:
            return weights
        return weights * weights_of_true_classes(self.class_weights, logits, label, counted.bool())
