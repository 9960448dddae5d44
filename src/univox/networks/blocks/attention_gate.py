"""A gate that lets through what a coarser map finds worth seeing."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from univox.networks.blocks.conv import Layers


class AttentionGate(nn.Module):
    """The image times one number per voxel in (0, 1), computed from the image and a guide.

    Both are projected and summed; behind a ReLU one more projection and a sigmoid give the number. Each
    projection is a convolution of edge 1 with bias, and normalized.

    Args:
        channels: Of the image.
        guide_channels: Of the guide.
        hidden: Channels of the sum.
        layers: Where the convolutions come from.
        normalization: Of the projections.

    Shape:
        image (B, channels, *spatial), guide (B, guide_channels, *spatial) -> (B, channels, *spatial)

    Source: Oktay et al., MIDL 2018 (the additive gate).
    """

    def __init__(
        self,
        channels: int,
        guide_channels: int,
        hidden: int,
        *,
        layers: Layers,
        normalization: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()

        def projected(inputs: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(layers.convolution(inputs, outputs, kernel_size=1, bias=True), normalization(outputs))

        self.from_image, self.from_guide = projected(channels, hidden), projected(guide_channels, hidden)
        self.score = nn.Sequential(nn.ReLU(inplace=True), projected(hidden, 1))

    def forward(self, image: Tensor, guide: Tensor) -> Tensor:
        """The image, weighed."""
        return image * torch.sigmoid(self.score(self.from_image(image) + self.from_guide(guide)))
