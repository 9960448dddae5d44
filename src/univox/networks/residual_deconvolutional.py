"""A residual deconvolutional network: a context path and a full-resolution path, joined at the end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from univox.networks.blocks.by_dimension import MAX_POOLS, TRANSPOSED
from univox.networks.blocks.conv import Layers, centered_layers, convolved
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.residual import ResidualBlock
from univox.networks.blocks.sizes import SizeRule


class ResidualDeconvolutionalNetwork(nn.Module):
    """Two paths from one stem: residual blocks at full resolution, and an encoder with deconvolutions.

    The context path halves the grid between levels, comes back by deconvolutions to which a projection of the
    level is added, and is joined with the full-resolution path before the output.

    Args:
        in_channels: Image channels (2-D: neighboring slices may be channels).
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels per level of the context path; the first is also the full-resolution path's.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** (levels - 1), 8 by default

    Raises:
        ShapeError: At call, with axis, size and the next size that fits.

    Source: after Fakhry, Zeng, Ji, IEEE TMI 2017, of which an abstract alone was at hand: two pathways, residual
        connections and deconvolutions are published; widths, depth and blocks are chosen here.

    >>> ResidualDeconvolutionalNetwork(3, 2, spatial_dims=2)(torch.zeros(2, 3, 8, 16)).shape
    torch.Size([2, 2, 8, 16])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("stem", "context")
    domain_parts: ClassVar[tuple[str, ...]] = ("stem", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        widths: Sequence[int] = (32, 64, 128, 256),
    ) -> None:
        super().__init__()
        layers = centered_layers(spatial_dims)
        first = widths[0]
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(2 ** (len(widths) - 1), spatial_dims)
        self.stem = convolved(in_channels, first, layers=layers)
        self.full = nn.Sequential(ResidualBlock(first, layers=layers), ResidualBlock(first, layers=layers))
        self.context = nn.ModuleList(
            nn.Sequential(_residual(i, o, layers=layers), ResidualBlock(o, layers=layers))
            for i, o in zip((first, *widths), widths, strict=False)
        )
        self.halve = MAX_POOLS[spatial_dims](2)
        # Both in the order of levels, the finest first.
        self.up = nn.ModuleList(
            LateralUpSampling(coarse, fine, layers=layers, spatial_dims=spatial_dims)
            for fine, coarse in pairwise(widths)
        )
        self.decoder = nn.ModuleList(ResidualBlock(width, layers=layers) for width in widths[:-1])
        self.output = layers.convolution(2 * first, num_classes, kernel_size=1, bias=True)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        stem = self.stem(image)
        skips = [self.context[0](stem)]
        for encode in self.context[1:]:
            skips.append(encode(self.halve(skips[-1])))
        features = skips.pop()
        for up, decode in zip(reversed(self.up), reversed(self.decoder), strict=True):
            features = decode(up(features, skips.pop()))
        return self.output(torch.cat([self.full(stem), features], dim=1))


class WideningBlock(ResidualBlock):
    """A residual block from fewer to more channels, whose shortcut is a normalized projection.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial)

    Source: He et al., CVPR 2016, option B.
    """

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers) -> None:
        super().__init__(out_channels, layers=layers)
        self.branch[0] = layers.convolution(in_channels, out_channels)
        self.projection = nn.Sequential(
            layers.convolution(in_channels, out_channels, kernel_size=1), layers.normalization(out_channels)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Branch plus projected image, activated."""
        return self.activation(self.branch(image) + self.projection(image))


class LateralUpSampling(nn.Module):
    """A deconvolution of kernel 4 that doubles the grid, and a projection of the skip, summed and activated."""

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, spatial_dims: int) -> None:
        super().__init__()
        self.deconvolution = nn.Sequential(
            TRANSPOSED[spatial_dims](in_channels, out_channels, 4, stride=2, padding=1, bias=False),
            layers.normalization(out_channels),
        )
        self.lateral = nn.Sequential(
            layers.convolution(out_channels, out_channels, kernel_size=1), layers.normalization(out_channels)
        )
        self.activation = layers.activation()

    def forward(self, image: Tensor, skip: Tensor) -> Tensor:
        """Every size doubled."""
        return self.activation(self.deconvolution(image) + self.lateral(skip))


def _residual(in_channels: int, out_channels: int, *, layers: Layers) -> nn.Module:
    if in_channels == out_channels:
        return ResidualBlock(out_channels, layers=layers)
    return WideningBlock(in_channels, out_channels, layers=layers)
