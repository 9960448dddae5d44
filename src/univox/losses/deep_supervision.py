"""The same loss on several outputs of one network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class DeepSupervision(nn.Module):
    """A loss that takes the tuple of a deeply supervised network too.

    Args:
        loss: Of (logits, label).
        decay: Weight of each output relative to the next finer one; the weights sum to 1.

    Shape:
        logits (B, K, *spatial), or a tuple of them, finest first; label (B, *spatial) int64; voxel_weights, for a loss
        that takes them, as label -> scalar. For a coarser output label and weights are read at its voxels' centers
        (the nearest voxel; of two, the later).
    """

    def __init__(self, loss: nn.Module, *, decay: float = 0.5) -> None:
        super().__init__()
        self.loss, self.decay = loss, decay

    def forward(
        self, logits: Tensor | tuple[Tensor, ...], label: Tensor, voxel_weights: Tensor | None = None
    ) -> Tensor:
        """Compute the weighted sum over outputs; of one, the loss itself."""
        maps = (label,) if voxel_weights is None else (label, voxel_weights)
        if isinstance(logits, Tensor):
            return self.loss(logits, *maps)
        weights = [self.decay**level for level in range(len(logits))]
        terms = [
            weight * self.loss(output, *(_at(each, output) for each in maps))
            for weight, output in zip(weights, logits, strict=True)
        ]
        return torch.stack(terms).sum() / sum(weights)


def _at(label: Tensor, output: Tensor) -> Tensor:
    """The label at the centers of the output's voxels."""
    for axis, size in enumerate(output.shape[2:], start=1):
        edge = label.shape[axis]
        if edge != size:
            centers = ((2 * torch.arange(size, device=label.device) + 1) * edge) // (2 * size)
            label = label.index_select(axis, centers)
    return label
