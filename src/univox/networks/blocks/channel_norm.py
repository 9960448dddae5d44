"""Layer normalization over channels, voxel by voxel."""

from __future__ import annotations

from torch import Tensor, nn


class ChannelNorm(nn.LayerNorm):
    """Each voxel's channels brought to mean 0 and deviation 1, then scaled and shifted per channel.

    Group normalization with one group is another thing: it averages over space too.

    Shape:
        (B, channels, *spatial), unchanged

    >>> import torch
    >>> ChannelNorm(4)(torch.arange(8.0).reshape(1, 4, 2)).mean(1).abs().max() < 1e-6
    tensor(True)
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)

    def forward(self, image: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - other axis
        """Normalize."""
        return super().forward(image.movedim(1, -1)).movedim(-1, 1)
