"""SDU-Net: a U-Net of stacked dilated convolutions whose outputs are concatenated."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, MAX_POOLS, TRANSPOSED, check_spatial_dims
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule

_SHARES = (2, 4, 8, 16, 16)
"""Of a level's channels, by what divides them, in the order of the chain."""
_MOST = max(_SHARES)


class SDUNet(nn.Module):
    """U-Net whose levels are chains of ever wider dilated convolutions, all outputs of the chain kept.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels per level, full resolution first, multiples of 16.
        dilations: Of the five convolutions of a level.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** (levels - 1), 16 as published

    Raises:
        RecipeError: Widths that 16 does not divide, fewer than two, or other than five dilations.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Wang et al., arXiv 2004.03466. Only its summary was at hand: that a plain convolution and dilated ones
        are concatenated, and the size relative to three other networks, which these widths meet. Widths, splits
        and dilations follow public third-party code; the place of normalization and activation is chosen.

    >>> SDUNet(1, 2, spatial_dims=2, widths=(16, 16)).eval()(torch.zeros(1, 1, 4, 6)).shape
    torch.Size([1, 2, 4, 6])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder",)
    domain_parts: ClassVar[tuple[str, ...]] = ("encoder.0.chain.0.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        dilations: Sequence[int] = (1, 3, 6, 9, 12),
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        if len(widths) < 2 or any(width % _MOST for width in widths) or len(dilations) != len(_SHARES):
            raise RecipeError(
                expected=f"at least two widths that {_MOST} divides, and {len(_SHARES)} dilations",
                got=f"{tuple(widths)} and {tuple(dilations)}",
                remedy="correct widths and dilations",
            )
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(2 ** (len(widths) - 1), spatial_dims)
        self.halve = MAX_POOLS[spatial_dims](2)

        def block(before: int, after: int) -> DilatedBlock:
            return DilatedBlock(before, after, spatial_dims=spatial_dims, dilations=dilations)

        self.encoder = nn.ModuleList(block(before, after) for before, after in pairwise((in_channels, *widths)))
        # Coarse to fine. A decoder block gives what the level above wants to be given, so that up-sampling keeps it.
        skips = list(widths[-2::-1])
        decoded = [*skips[1:], widths[0]]
        coarse = [widths[-1], *decoded[:-1]]
        self.up = nn.ModuleList(TRANSPOSED[spatial_dims](width, width, 2, stride=2) for width in coarse)
        self.decoder = nn.ModuleList(
            block(skip + width, after) for skip, width, after in zip(skips, coarse, decoded, strict=True)
        )
        self.output = CONVOLUTIONS[spatial_dims](widths[0], num_classes, 1)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        skips: list[Tensor] = []
        for encode in self.encoder:
            skips.append(encode(self.halve(skips[-1]) if skips else image))
        features = skips.pop()
        for up, decode in zip(self.up, self.decoder, strict=True):
            features = decode(torch.cat([skips.pop(), up(features)], dim=1))
        return self.output(features)


class DilatedBlock(nn.Module):
    """Five convolutions in a chain, each with normalization and ReLU; their outputs concatenated.

    They give 1/2, 1/4, 1/8, 1/16 and 1/16 of the channels.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial)
    """

    def __init__(self, in_channels: int, out_channels: int, *, spatial_dims: int, dilations: Sequence[int]) -> None:
        super().__init__()
        channels = (in_channels, *(out_channels // share for share in _SHARES))
        self.chain = nn.ModuleList(
            nn.Sequential(
                CONVOLUTIONS[spatial_dims](before, after, 3, padding=dilation, dilation=dilation),
                BATCH_NORMS[spatial_dims](after),
                nn.ReLU(inplace=True),
            )
            for (before, after), dilation in zip(pairwise(channels), dilations, strict=True)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Concatenate what each of the chain gives."""
        outputs: list[Tensor] = []
        for convolve in self.chain:
            image = convolve(image)
            outputs.append(image)
        return torch.cat(outputs, dim=1)
