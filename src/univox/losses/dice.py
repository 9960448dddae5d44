"""Soft Dice: the overlap of probabilities with the label, made a loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from univox.losses.precision import check_label_shape, full_precision


class SoftDice(nn.Module):
    """One minus the mean over classes of (2 sum p g + smooth) / (sum p + sum g + smooth).

    p is the softmax probability of a class at a voxel and g is 1 where the label is that class.

    Args:
        batch: Whether the sums run over the whole batch as over one large image; otherwise each case has its own
            ratio, and the mean is over cases too.
        background: Whether class 0 counts.
        smooth: Added to both, so that a class that is rightly absent scores 1.
        squared: Whether the denominator is sum p^2 + sum g^2 + smooth, as the publication prints it, instead of the
            plain sums. Of certain probabilities the two are one; of uncertain ones the squares score higher.
        ignore_index: A label whose voxels do not count.

    Shape:
        logits (B, K, *spatial), label (B, *spatial) int64 -> scalar

    Raises:
        ShapeError: At call, for a label that is not on the grid of the logits.

    Source: Milletari et al., 3DV 2016 (V-Net): `squared`, one foreground class, no smoothing. The mean over classes,
        the smoothing and the plain sums (the default) are common practice since.
    """

    def __init__(
        self,
        *,
        batch: bool = True,
        background: bool = False,
        smooth: float = 1e-5,
        squared: bool = False,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        self.batch, self.background, self.smooth = batch, background, smooth
        self.squared, self.ignore_index = squared, ignore_index

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the loss in float32 at least."""
        check_label_shape(logits, label)
        probabilities = torch.softmax(full_precision(logits), dim=1)
        first = 0 if self.background or logits.shape[1] == 1 else 1
        chosen = torch.arange(first, logits.shape[1], device=label.device)
        truth = label.unsqueeze(1) == chosen.view(-1, *[1] * (label.ndim - 1))
        probabilities = probabilities[:, first:]
        if self.ignore_index is not None:
            counted = (label != self.ignore_index).unsqueeze(1)
            probabilities = probabilities * counted
            truth = truth & counted
        axes = tuple(range(2, logits.ndim)) if not self.batch else (0, *range(2, logits.ndim))
        truth = truth.to(probabilities.dtype)
        overlap = (probabilities * truth).sum(axes)
        sizes = probabilities.square() if self.squared else probabilities
        total = sizes.sum(axes) + truth.sum(axes)
        return 1 - ((2 * overlap + self.smooth) / (total + self.smooth)).mean()
