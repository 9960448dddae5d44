"""A stand-in for the CC-3D-FCN of 2018: its published outline, filled in to meet its published count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import MAX_POOLS
from univox.networks.blocks.conv import Layers, aligned_layers, convolved
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule
from univox.networks.blocks.u_shape import Convolutions


class CC3DFCN(nn.Module):
    """Stand-in for the CC-3D-FCN: pooled groups of convolutions, transformed skips, deconvolutions and fusions.

    It is no reproduction. The outline is published: three pooled groups, a convolution on each skip
    ("transformation"), concatenation with the deconvolved features, a convolution of both ("fusion"), 32 channels
    there. What is open (depth of transformation and fusion, kernels and widths of the deconvolutions, pooling,
    biases) was chosen so that the count is the printed 2,534,276 for 2 channels and 4 classes; hundreds of other
    choices meet it too.

    Args:
        in_channels: Image channels; modalities are concatenated.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3; the published network is 3-D.
        widths: Channels of the groups, finest first.
        depths: Convolutions in each group.
        up_widths: Channels of the deconvolutions, coarsest first.
        skip_width: Channels of transformations and fusions.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** groups, 8 with three

    Raises:
        RecipeError: Widths and depths of different lengths.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: outline of Nie et al., IEEE Trans. Cybernetics 2018, by the text of Wang et al., AAAI 2020, which prints
        the count. Chosen here: everything that the first paragraph calls open; the deconvolutions of edge 3 and
        stride 2 are aligned as in the Non-local U-Net (`aligned_layers`: zeros after the last voxel).

    >>> CC3DFCN(2, 4, widths=(4, 4), depths=(1, 1), up_widths=(4, 4)).eval()(torch.zeros(1, 2, 4, 8, 4)).shape
    torch.Size([1, 4, 4, 8, 4])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("groups",)
    domain_parts: ClassVar[tuple[str, ...]] = ("groups.0.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        widths: Sequence[int] = (96, 128, 128),
        depths: Sequence[int] = (3, 2, 1),
        up_widths: Sequence[int] = (128, 64, 32),
        skip_width: int = 32,
    ) -> None:
        super().__init__()
        if not len(widths) == len(depths) == len(up_widths):
            raise RecipeError(
                expected="as many widths as depths and up_widths",
                got=f"{len(widths)}, {len(depths)} and {len(up_widths)}",
                remedy="give one of each per group",
            )
        layers = replace(aligned_layers(spatial_dims), activation=partial(nn.ReLU, inplace=True))
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(2 ** len(widths), spatial_dims)
        self.groups = nn.ModuleList(
            Convolutions(before, *[width] * depth, layers=layers, bias=False)
            for before, width, depth in zip((in_channels, *widths), widths, depths, strict=False)
        )
        self.pool = MAX_POOLS[spatial_dims](2)
        coarse = (widths[-1], *[skip_width] * (len(widths) - 1))
        self.up = nn.ModuleList(
            FusedLevel(before, skip, up, skip_width, layers=layers)
            for before, skip, up in zip(coarse, reversed(widths), up_widths, strict=True)
        )
        self.output = layers.convolution(skip_width, num_classes, kernel_size=1, bias=True)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = image
        skips: list[Tensor] = []
        for group in self.groups:
            skips.append(group(features))
            features = self.pool(skips[-1])
        for level in self.up:
            features = level(features, skips.pop())
        return self.output(features)


class FusedLevel(nn.Module):
    """Deconvolves the coarse features, transforms the skip, concatenates and fuses both.

    Args:
        coarse: Channels of the coarse features.
        skip: Channels of the skip.
        up: Channels of the deconvolved features.
        width: Channels of the transformed skip, and of the outcome.
        layers: Where the parts come from.

    Shape:
        coarse (B, coarse, *spatial), skip (B, skip, *spatial * 2) -> (B, width, *spatial * 2)
    """

    def __init__(self, coarse: int, skip: int, up: int, width: int, *, layers: Layers) -> None:
        super().__init__()
        self.deconvolution = layers.transposed(coarse, up, kernel_size=3, stride=2)
        self.transformation = convolved(skip, width, layers=layers, kernel_size=1)
        self.fusion = Convolutions(up + width, width, layers=layers, bias=False)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Both, fused."""
        return self.fusion(torch.cat([self.deconvolution(coarse), self.transformation(skip)], dim=1))
