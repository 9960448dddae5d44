"""Sums of losses."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from univox.losses.cross_entropy import CrossEntropy
from univox.losses.dice import SoftDice


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
