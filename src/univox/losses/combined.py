"""Sums of losses."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from univox.losses.cross_entropy import CrossEntropy
from univox.losses.dice import SoftDice
from univox.losses.focal import Focal
from univox.losses.lovasz import Classes, LovaszSoftmax


class DiceCrossEntropy(nn.Module):
    """Soft Dice plus cross-entropy, each times its weight.

    Args:
        dice_weight: Of the soft Dice.
        cross_entropy_weight: Of the cross-entropy.
        batch: As in `SoftDice`.
        background: As in `SoftDice`.
        smooth: As in `SoftDice`.
        class_weights: As in `CrossEntropy`.
        ignore_index: A label whose voxels count in neither.

    Shape:
        logits (B, K, *spatial), label (B, *spatial) int64 -> scalar

    Raises:
        RecipeError: At call, a wrong number of class weights.
        ShapeError: At call, for a label that is not on the grid of the logits.
    """

    def __init__(
        self,
        *,
        dice_weight: float = 1.0,
        cross_entropy_weight: float = 1.0,
        batch: bool = True,
        background: bool = False,
        smooth: float = 1e-5,
        class_weights: Sequence[float] | None = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        self.dice_weight, self.cross_entropy_weight = dice_weight, cross_entropy_weight
        self.dice = SoftDice(batch=batch, background=background, smooth=smooth, ignore_index=ignore_index)
        self.cross_entropy = CrossEntropy(class_weights=class_weights, ignore_index=ignore_index)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the weighted sum."""
        cross_entropy = self.cross_entropy(logits, label)
        return self.dice_weight * self.dice(logits, label) + self.cross_entropy_weight * cross_entropy


class LovaszFocal(nn.Module):
    """Lovász-Softmax plus focal loss, each times its weight.

    Args:
        lovasz_weight: Of the Lovász-Softmax.
        focal_weight: Of the focal loss.
        classes: As in `LovaszSoftmax`.
        batch: As in `LovaszSoftmax`.
        gamma: As in `Focal`.
        detached: As in `Focal`.
        class_weights: As in `Focal`.
        ignore_index: A label whose voxels count in neither.

    Shape:
        logits (B, K, *spatial), label (B, *spatial) int64 -> scalar

    Raises:
        RecipeError: Unknown classes, a negative gamma; at call, a wrong number of class weights.
        ShapeError: At call, for a label that is not on the grid of the logits.

    Source: Huang et al., MICCAI 2019 (3D U2-Net): the sum, in equal parts. Its released code takes `classes="all"` and
        `detached=True`.
    """

    def __init__(
        self,
        *,
        lovasz_weight: float = 1.0,
        focal_weight: float = 1.0,
        classes: Classes = "present",
        batch: bool = True,
        gamma: float = 2.0,
        detached: bool = False,
        class_weights: Sequence[float] | None = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        self.lovasz_weight, self.focal_weight = lovasz_weight, focal_weight
        self.lovasz = LovaszSoftmax(classes=classes, batch=batch, ignore_index=ignore_index)
        self.focal = Focal(gamma=gamma, detached=detached, class_weights=class_weights, ignore_index=ignore_index)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the weighted sum."""
        return self.lovasz_weight * self.lovasz(logits, label) + self.focal_weight * self.focal(logits, label)
