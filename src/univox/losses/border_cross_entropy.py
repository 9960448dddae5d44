"""Cross-entropy that weighs the gaps between cells, as the first U-Net was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.losses.border_weights import border_weights
from univox.losses.class_weights import check_class_weights
from univox.losses.cross_entropy import Average, CrossEntropy
from univox.losses.precision import check_label_shape, full_precision


class BorderWeightedCrossEntropy(nn.Module):
    """Cross-entropy whose voxels weigh w_c + w_0 exp(-(d_1 + d_2)^2 / (2 sigma^2)).

    A run makes the map of each case once (`case_weights`), of the numbered objects where labels number them, and hands
    every patch its part of it. Without one the map is made from the label at each call, case by case, on the processor;
    its cells are then the connected components of the foreground classes, and it sees the patch: a cell beyond its edge
    is not there. What the map is in detail, and what of it is chosen here, stands in `univox.losses.border_weights`.

    Args:
        w0: The most that a gap adds to the weight of its voxels.
        sigma: How wide a gap counts, in the unit of `spacing`.
        spacing: Voxel edge per axis; none takes 1, so that sigma is in voxels of the label given. Under deep
            supervision that is the coarser label.
        class_weights: w_c of each class; none takes the inverse of its frequency in each case of the batch.
        ignore_index: A label whose voxels weigh 0.
        average: As in `CrossEntropy`: "sum" is as published, over one tile.

    Shape:
        logits (B, K, *spatial), label (B, *spatial) int64, voxel_weights (B, *spatial) or None -> scalar

    Raises:
        RecipeError: sigma or a spacing that is not above 0, a negative w0, an unknown average; at call, a wrong
            number of class weights.
        ShapeError: At call, for a label that is not on the grid of the logits, or a spacing of another length.

    Source: Ronneberger, Fischer, Brox, MICCAI 2015, Eqs. 1 and 2 (w_0 = 10, sigma about 5 pixels).
    """

    def __init__(
        self,
        *,
        w0: float = 10.0,
        sigma: float = 5.0,
        spacing: Sequence[float] | None = None,
        class_weights: Sequence[float] | None = None,
        ignore_index: int | None = None,
        average: Average = "voxels",
    ) -> None:
        super().__init__()
        if not (w0 >= 0 and sigma > 0 and all(edge > 0 for edge in spacing or ())):
            raise RecipeError(
                expected="w0 of 0 or more, sigma and spacing above 0",
                got=f"w0 {w0}, sigma {sigma}, spacing {spacing}",
                remedy="the publication takes 10 and 5 voxels",
            )
        self.w0, self.sigma, self.spacing = w0, sigma, spacing
        self.class_weights, self.ignore_index = class_weights, ignore_index
        self.cross_entropy = CrossEntropy(ignore_index=ignore_index, average=average)

    def forward(self, logits: Tensor, label: Tensor, voxel_weights: Tensor | None = None) -> Tensor:
        """Compute the loss in float32 at least."""
        check_label_shape(logits, label)
        if self.class_weights is not None:
            check_class_weights(self.class_weights, logits)
        logits = full_precision(logits)
        weights = self.weights(label) if voxel_weights is None else voxel_weights
        return self.cross_entropy(logits, label, weights.to(logits))

    def weights(self, label: Tensor) -> Tensor:
        """Make the weight maps (B, *spatial) of a label (B, *spatial), float64, on the processor."""
        return torch.from_numpy(np.stack([self.case_weights(case) for case in label.cpu().numpy()]))

    def case_weights(
        self, label: NDArray[np.integer], instances: NDArray[np.integer] | None = None
    ) -> NDArray[np.float64]:
        """Make the weight map of one case, as `border_weights` does with this loss's numbers."""
        return border_weights(
            label,
            instances=instances,
            w0=self.w0,
            sigma=self.sigma,
            spacing=self.spacing,
            class_weights=self.class_weights,
            ignore_index=self.ignore_index,
        )

    @property
    def map_settings(self) -> dict[str, Any]:
        """All that a map hangs on, besides its label."""
        return {
            "w0": self.w0,
            "sigma": self.sigma,
            "spacing": None if self.spacing is None else list(self.spacing),
            "class_weights": None if self.class_weights is None else list(self.class_weights),
            "ignore_index": self.ignore_index,
        }
