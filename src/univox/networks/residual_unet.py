"""univox's own network: a residual U-Net that runs at reduced resolution behind a strided stem."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import check_spatial_dims, per_axis
from univox.networks.blocks.conv import Layers, centered_layers
from univox.networks.blocks.global_aggregation import GlobalAggregation
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.residual import PreActivation, ResidualBlock
from univox.networks.blocks.sizes import SizeRule

# Widths that are not multiples of 32 fall off torch's fast path in bf16.
_FIRST_WIDTH, _LAST_WIDTH = 32, 256
_HEAD_CHANNELS = 32


class ResidualUNet(nn.Module):
    """Residual U-Net whose trunk starts at a strided stem, with a light path at full resolution beside it.

    The trunk halves (or less: `strides`) the grid at the stem and at each further level, attends to every voxel at
    the bottom, and comes back by transposed convolutions and summed skips. The detail path is one convolution
    of the image at full resolution; both are summed before the output.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        strides: One tuple of per-axis factors for each level, the stem's first; None: three of 2 on every axis.
        widths: Channels per level, as many as strides; None: 32, doubled per level up to 256.
        detail_channels: Channels at full resolution.
        blocks: Residual blocks per level, on either side.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by the product of the strides

    Raises:
        RecipeError: Strides and widths that do not fit each other or the number of axes.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: this project; attention by Wang et al., AAAI 2020.

    >>> import torch
    >>> ResidualUNet(1, 3, spatial_dims=2).eval()(torch.zeros(1, 1, 16, 24)).shape
    torch.Size([1, 3, 16, 24])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder", "detail")
    domain_parts: ClassVar[tuple[str, ...]] = ("detail", "encoder.0.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        strides: Sequence[Sequence[int]] | None = None,
        widths: Sequence[int] | None = None,
        detail_channels: int = 16,
        blocks: int = 1,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        steps = _strides(strides, spatial_dims)
        channels = _widths(widths, levels=len(steps))
        layers = centered_layers(spatial_dims)
        self.in_channels = in_channels
        self.sizes = SizeRule(tuple(math.prod(step[axis] for step in steps) for axis in range(spatial_dims)))
        self.detail = _convolved(in_channels, detail_channels, layers=layers)
        self.encoder = nn.ModuleList(
            nn.Sequential(
                _convolved(before, after, layers=layers, stride=step),
                *(ResidualBlock(after, layers=layers) for _ in range(blocks)),
            )
            for before, after, step in zip((in_channels, *channels), channels, steps, strict=False)
        )
        self.bottom = BottomAttention(channels[-1], layers=layers)
        self.up = nn.ModuleList(
            UpSampling(after, before, layers=layers, stride=step)
            for before, after, step in zip((detail_channels, *channels), channels, steps, strict=False)
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, layers=layers) for _ in range(blocks))) for width in channels[:-1]
        )
        self.output = nn.Sequential(
            layers.activation(), layers.convolution(detail_channels, num_classes, kernel_size=1, bias=True)
        )
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = image
        skips: list[Tensor] = []
        for level in self.encoder:
            features = level(features)
            skips.append(features)
        features = self.bottom(skips.pop())
        # From the coarsest level to the stem's; `up` is in the order of the strides.
        for up, decode in zip(reversed(self.up[1:]), reversed(self.decoder), strict=True):
            features = decode(up(features) + skips.pop())
        return self.output(self.up[0](features) + self.detail(image))


class BottomAttention(nn.Module):
    """Size-preserving attention behind normalization and activation; adds the untouched image."""

    def __init__(self, channels: int, *, layers: Layers) -> None:
        super().__init__()
        heads = channels // _HEAD_CHANNELS if channels % _HEAD_CHANNELS == 0 else 1
        self.activate = PreActivation(channels, layers=layers)
        self.aggregation = GlobalAggregation(channels, channels, layers=layers, heads=heads)

    def forward(self, image: Tensor) -> Tensor:
        """Image plus what was aggregated."""
        return image + self.aggregation(self.activate(image))


class UpSampling(nn.Module):
    """A transposed convolution of kernel = stride and a normalization: each voxel becomes a block."""

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, stride: Sequence[int]) -> None:
        super().__init__()
        self.convolution = layers.transposed(in_channels, out_channels, kernel_size=stride, stride=stride)
        self.normalization = layers.normalization(out_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Every size multiplied by its stride."""
        return self.normalization(self.convolution(image))


def _convolved(
    in_channels: int, out_channels: int, *, layers: Layers, stride: Sequence[int] | int = 1
) -> nn.Sequential:
    return nn.Sequential(
        layers.convolution(in_channels, out_channels, kernel_size=3, stride=stride),
        layers.normalization(out_channels),
        layers.activation(),
    )


def _strides(strides: Sequence[Sequence[int]] | None, spatial_dims: int) -> tuple[tuple[int, ...], ...]:
    steps = ((2,) * spatial_dims,) * 3 if strides is None else strides
    if not steps or any(factor < 1 for step in steps for factor in step):
        raise RecipeError(expected="at least one stride, of factors from 1", got=str(steps), remedy="correct strides")
    return tuple(per_axis(step, spatial_dims) for step in steps)


def _widths(widths: Sequence[int] | None, *, levels: int) -> tuple[int, ...]:
    if widths is None:
        return tuple(min(_FIRST_WIDTH * 2**level, _LAST_WIDTH) for level in range(levels))
    if len(widths) != levels:
        raise RecipeError(
            expected=f"{levels} widths, one per stride", got=str(tuple(widths)), remedy="give as many of both"
        )
    return tuple(widths)
