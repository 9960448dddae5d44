"""The U-Net of 2015."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from univox.networks.blocks.by_dimension import MAX_POOLS
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.u_shape import Convolutions, Normalization, UpLevel, plain_layers, u_sizes


class UNet(nn.Module):
    """U-Net: pairs of convolutions on the way down and up, poolings, up-convolutions, and concatenated skips.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3; the published network is 2-D.
        widths: Channels per level, finest first; each further level halves the grid.
        padded: Whether convolutions keep the size. The published ones do not: the logits lack a margin, 92 pixels
            with five levels.
        normalization: After every convolution: "none" as published, "batch" or "instance".
        bias: Whether convolutions, up-convolutions and output add a number per channel.
        dropout: Probability that a number at the end of the contracting path is zeroed in training: in the output of
            the two coarsest levels, in the skip of the finer of them too. The paper gives neither the place exactly
            nor the probability; 0.5 there is customary.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *inner). Padded: inner = spatial, divisible by 2 ** (levels - 1), 16 with five levels;
        with instance normalization more than that on some axis.
        Unpadded with five levels: spatial = 188 + 16 m, inner = spatial - 184 (572 -> 388)

    Raises:
        RecipeError: Another number of axes or an unknown normalization.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Ronneberger, Fischer, Brox, MICCAI 2015, Fig. 1: layers, sizes, initialization. Inferred: the kernel of
        the up-convolutions is their stride (the count 31,030,658 of 1 channel and 2 classes follows), the skip stands
        first in the concatenation. The padded form, normalization and 1-D and 3-D are not in the paper.

    >>> import torch
    >>> UNet(1, 2, widths=(4, 8), padded=True).eval()(torch.zeros(1, 1, 8, 6)).shape
    torch.Size([1, 2, 8, 6])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder",)
    domain_parts: ClassVar[tuple[str, ...]] = ("encoder.0.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        padded: bool = False,
        normalization: Normalization = "none",
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers = plain_layers(spatial_dims, padded=padded, normalization=normalization)
        self.in_channels = in_channels
        self.sizes = u_sizes(len(widths) - 1, spatial_dims, padded=padded, normalization=normalization)
        self.encoder = nn.ModuleList(
            Convolutions(before, width, width, layers=layers, bias=bias)
            for before, width in pairwise((in_channels, *widths))
        )
        self.pool = MAX_POOLS[spatial_dims](2)
        self.dropout = nn.Dropout(dropout)
        self.decoder = nn.ModuleList(
            UpLevel(
                layers.transposed(coarse, fine, kernel_size=2, stride=2, bias=bias),
                Convolutions(2 * fine, fine, fine, layers=layers, bias=bias),
            )
            for coarse, fine in pairwise(reversed(widths))
        )
        self.output = layers.convolution(widths[0], num_classes, kernel_size=1, bias=bias)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid, less the margin."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = image
        skips: list[Tensor] = []
        for number, level in enumerate(self.encoder):
            features = level(self.pool(features) if number else features)
            if number >= len(self.encoder) - 2:
                features = self.dropout(features)
            skips.append(features)
        features = skips.pop()
        for level in self.decoder:
            features = level(features, skips.pop())
        return self.output(features)
