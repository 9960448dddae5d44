"""UNet++: a U-Net whose skips are themselves little U-Nets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import MAX_POOLS
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule
from univox.networks.blocks.u_shape import Convolutions, plain_layers


class NestedUNet(nn.Module):
    """UNet++: node (row, column) reads all earlier nodes of its row and the enlarged node below and before it.

    Column 0 is the encoder; the nodes of row 0 have the image's size, and each of them has a head.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels per row, full resolution first.
        deep_supervision: Whether every node of row 0 behind the encoder has a head, or the last alone.
        batch_normalization: Whether each convolution is followed by one; the published count has none.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** (rows - 1), 16 as published. In training mode
            with deep supervision a tuple of them: the last column's first, then those of ever shorter decoders, all
            of the image's size. In prediction the last column's.

    Raises:
        RecipeError: Fewer than two rows.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Zhou, Siddiquee, Tajbakhsh, Liang, DLMIA 2018. Inferred from the published 9.04 million: biased
        convolutions without normalization, transposed convolutions that give the row's width. The paper's "accurate
        mode" averages all heads in prediction; here it is the last column's (its "fast mode" at full depth).

    >>> NestedUNet(1, 2, spatial_dims=2, widths=(4, 8)).eval()(torch.zeros(1, 1, 6, 4)).shape
    torch.Size([1, 2, 6, 4])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder",)
    domain_parts: ClassVar[tuple[str, ...]] = ("encoder.0.0", "heads")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        widths: Sequence[int] = (32, 64, 128, 256, 512),
        deep_supervision: bool = True,
        batch_normalization: bool = False,
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise RecipeError(expected="at least two widths", got=str(tuple(widths)), remedy="give one per row")
        layers = plain_layers(spatial_dims, normalization="batch" if batch_normalization else "none")
        self.in_channels = in_channels
        self.rows = len(widths)
        self.sizes = SizeRule.multiples(2 ** (self.rows - 1), spatial_dims)
        self.halve = MAX_POOLS[spatial_dims](2)
        self.encoder = nn.ModuleList(
            Convolutions(before, after, after, layers=layers, bias=True)
            for before, after in zip((in_channels, *widths), widths, strict=False)
        )
        places = [(row, column) for column in range(1, self.rows) for row in range(self.rows - column)]
        self.up = nn.ModuleDict(
            {
                _name(row, column): layers.transposed(widths[row + 1], widths[row], kernel_size=2, stride=2, bias=True)
                for row, column in places
            }
        )
        self.nodes = nn.ModuleDict(
            {
                _name(row, column): Convolutions(
                    (column + 1) * widths[row], widths[row], widths[row], layers=layers, bias=True
                )
                for row, column in places
            }
        )
        self.heads = nn.ModuleList(
            layers.convolution(widths[0], num_classes, kernel_size=1, bias=True)
            for _ in range(self.rows - 1 if deep_supervision else 1)
        )
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits on the image's grid, of every head in training."""
        self.sizes.check(image, in_channels=self.in_channels)
        # One list per row: the nodes that are there, in the order of their columns.
        rows: list[list[Tensor]] = []
        for row, encode in enumerate(self.encoder):
            rows.append([encode(self.halve(rows[-1][0]) if row else image)])
        for column in range(1, self.rows):
            for row in range(self.rows - column):
                name = _name(row, column)
                grown = self.up[name](rows[row + 1][column - 1])
                rows[row].append(self.nodes[name](torch.cat([*rows[row], grown], dim=1)))
        finest_first = rows[0][:0:-1]
        if self.training and len(self.heads) > 1:
            return tuple(head(node) for head, node in zip(self.heads, finest_first, strict=True))
        return self.heads[0](finest_first[0])


def _name(row: int, column: int) -> str:
    return f"{row}_{column}"
