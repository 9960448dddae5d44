"""The residual symmetric U-Net of 2017, for image stacks whose slices are thick."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import INTERPOLATION, MAX_POOLS, Sizes
from univox.networks.blocks.conv import Layers, centered_layers, convolved
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule


class ResidualSymmetricUNet(nn.Module):
    """Residual U-Net with summed skips whose kernels and factors are told per axis.

    Kernels and strides are given in 3-D as (d, h, w); an image of fewer axes takes the last ones, so that a 2-D
    network is the published one within a slice.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels per level. The first authors' code has 24, 32, 48, 72, 104; the paper's are said to be 28,
            36, 48, 64, 80, with `first_kernel` (1, 3, 3).
        strides: One tuple of factors for each level but the last; None: (1, 2, 2) everywhere, as published.
        embedding_kernel: Of the first and of the last but one convolution.
        first_kernel: Of the first of the three convolutions of each module; the others have 3.
        batch_norm_momentum: Share of the new batch in the running statistics. The first authors' class has 0.001,
            its training option 0.1.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by the product of the strides

    Raises:
        RecipeError: Strides that do not fit the widths or the axes.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Lee, Zung, Li, Jain, Seung, arXiv 1706.00120, 2017; layers as in the first author's code, for the
        paper's text was not at hand. Inferred: the paper's widths, known from a third party's code alone.

    >>> import torch
    >>> network = ResidualSymmetricUNet(1, 2, widths=(4, 8, 8))
    >>> network(torch.zeros(1, 1, 3, 8, 8)).shape
    torch.Size([1, 2, 3, 8, 8])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("stem", "encoder")
    domain_parts: ClassVar[tuple[str, ...]] = ("stem", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        widths: Sequence[int] = (24, 32, 48, 72, 104),
        strides: Sequence[Sequence[int]] | None = None,
        embedding_kernel: Sizes = (1, 5, 5),
        first_kernel: Sizes = 3,
        batch_norm_momentum: float = 0.1,
    ) -> None:
        super().__init__()
        layers = _elu_layers(spatial_dims, batch_norm_momentum=batch_norm_momentum)
        steps = _strides(strides, levels=len(widths), spatial_dims=spatial_dims)
        embedding, first = _last_axes(embedding_kernel, spatial_dims), _last_axes(first_kernel, spatial_dims)
        residual = partial(ResidualModule, layers=layers, first_kernel=first)
        self.in_channels = in_channels
        self.sizes = SizeRule(tuple(math.prod(step[axis] for step in steps) for axis in range(spatial_dims)))
        self.stem = _embedding(in_channels, widths[0], layers=layers, kernel_size=embedding)
        self.encoder = nn.ModuleList(residual(i, o) for i, o in zip((widths[0], *widths), widths, strict=False))
        self.down = nn.ModuleList(MAX_POOLS[spatial_dims](step, step) for step in steps)
        # Both in the order of levels, the finest first.
        self.up = nn.ModuleList(
            SummedUpSampling(coarse, fine, layers=layers, stride=step)
            for (fine, coarse), step in zip(pairwise(widths), steps, strict=True)
        )
        self.decoder = nn.ModuleList(residual(width, width) for width in widths[:-1])
        self.embed = _embedding(widths[0], widths[0], layers=layers, kernel_size=embedding)
        self.output = layers.convolution(widths[0], num_classes, kernel_size=1, bias=True)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = self.stem(image)
        skips: list[Tensor] = []
        for encode, down in zip(self.encoder, self.down, strict=False):
            skips.append(encode(features))
            features = down(skips[-1])
        features = self.encoder[-1](features)
        for up, decode in zip(reversed(self.up), reversed(self.decoder), strict=True):
            features = decode(up(features, skips.pop()))
        return self.output(self.embed(features))


class ResidualModule(nn.Module):
    """Three convolutions, each with normalization and activation; what follows the first is added to the third.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        layers: Where the parts come from.
        first_kernel: Of the first convolution.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial)

    Source: Lee et al., arXiv 1706.00120; the first author's code.
    """

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, first_kernel: Sizes = 3) -> None:
        super().__init__()
        self.widen = convolved(in_channels, out_channels, layers=layers, kernel_size=first_kernel)
        self.branch = nn.Sequential(
            layers.convolution(out_channels, out_channels),
            layers.normalization(out_channels),
            layers.activation(),
            layers.convolution(out_channels, out_channels),
        )
        self.activate = nn.Sequential(layers.normalization(out_channels), layers.activation())

    def forward(self, image: Tensor) -> Tensor:
        """Widened image plus branch, activated."""
        widened = self.widen(image)
        return self.activate(widened + self.branch(widened))


class SummedUpSampling(nn.Module):
    """Linear interpolation, a convolution of edge 1, the skip added, normalization and activation."""

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, stride: Sequence[int]) -> None:
        super().__init__()
        self.enlarge = nn.Upsample(
            scale_factor=tuple(float(factor) for factor in stride), mode=INTERPOLATION[len(stride)]
        )
        self.convolution = layers.convolution(in_channels, out_channels, kernel_size=1, bias=True)
        self.activate = nn.Sequential(layers.normalization(out_channels), layers.activation())

    def forward(self, image: Tensor, skip: Tensor) -> Tensor:
        """Every size multiplied by its stride."""
        return self.activate(self.convolution(self.enlarge(image)) + skip)


def _elu_layers(spatial_dims: int, *, batch_norm_momentum: float) -> Layers:
    layers = centered_layers(spatial_dims, batch_norm_momentum=batch_norm_momentum)
    return dataclasses.replace(layers, activation=partial(nn.ELU, inplace=True))


def _embedding(in_channels: int, out_channels: int, *, layers: Layers, kernel_size: Sizes) -> nn.Sequential:
    """A convolution with bias and an activation, without normalization."""
    return nn.Sequential(
        layers.convolution(in_channels, out_channels, kernel_size=kernel_size, bias=True), layers.activation()
    )


def _last_axes(sizes: Sizes, spatial_dims: int) -> tuple[int, ...]:
    """One number per axis: of three for (d, h, w), those of the last axes."""
    given = (sizes,) * spatial_dims if isinstance(sizes, int) else tuple(sizes)
    if len(given) < spatial_dims:
        raise RecipeError(
            expected=f"{spatial_dims} numbers, one per spatial axis", got=str(given), remedy="give one for each axis"
        )
    return given[-spatial_dims:]


def _strides(strides: Sequence[Sequence[int]] | None, *, levels: int, spatial_dims: int) -> list[tuple[int, ...]]:
    steps = [(1, 2, 2)] * (levels - 1) if strides is None else list(strides)
    if len(steps) != levels - 1 or any(factor < 1 for step in steps for factor in step):
        raise RecipeError(
            expected=f"{levels - 1} strides of factors from 1, one fewer than widths",
            got=str(steps),
            remedy="correct strides or widths",
        )
    return [_last_axes(step, spatial_dims) for step in steps]
