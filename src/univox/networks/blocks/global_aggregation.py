"""Attention over all positions that keeps, halves or doubles the grid."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.attention import attend
from univox.networks.blocks.conv import Layers

Kind = Literal["same", "down", "up"]


class GlobalAggregation(nn.Module):
    """A block in which every output voxel draws on every input voxel.

    Queries, keys and values are convolutions of the image; the grid of the queries is the grid of the output.
    The weights of one output voxel are softmax(q . k / sqrt(c)) over all input voxels, c the key channels per
    head, and heads are contiguous groups of channels. The matrix of all weights is never held.

    Args:
        in_channels: Channels of the image.
        out_channels: Channels of the result; of keys and values too, unless given.
        layers: Where the convolutions come from.
        kind: "same": queries by a convolution of edge 1; "down": edge 3, stride 2; "up": transposed, edge 3,
            stride 2.
        key_channels: Of queries and keys, all heads together.
        value_channels: All heads together.
        query: Makes the queries in place of the convolution that `kind` names, from the image, with `key_channels`.
        heads: Groups that attend on their own.
        dropout: Probability that a weight is zeroed in training.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial), spatial halved ("down") or doubled ("up")

    Source: Wang et al., AAAI 2020, Fig. 3, Eqs. 1-3; biases, heads and their scale as in the released code.

    >>> import torch
    >>> from univox.networks.blocks.conv import aligned_layers
    >>> up = GlobalAggregation(8, 4, layers=aligned_layers(2), kind="up")
    >>> up(torch.zeros(1, 8, 6, 4)).shape
    torch.Size([1, 4, 12, 8])
    """

    def __init__(  # noqa: PLR0913 - each is a choice that a network makes
        self,
        in_channels: int,
        out_channels: int,
        *,
        layers: Layers,
        kind: Kind = "same",
        query: nn.Module | None = None,
        key_channels: int | None = None,
        value_channels: int | None = None,
        heads: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        keys, values = key_channels or out_channels, value_channels or out_channels
        _check(heads=heads, channels=(keys, values), dropout=dropout)
        self.heads, self.dropout = heads, dropout
        if query is not None:
            self.query = query
        elif kind == "same":
            self.query = layers.convolution(in_channels, keys, kernel_size=1, bias=True)
        elif kind == "down":
            self.query = layers.convolution(in_channels, keys, kernel_size=3, stride=2, bias=True)
        elif kind == "up":
            self.query = layers.transposed(in_channels, keys, kernel_size=3, stride=2, bias=True)
        else:
            raise RecipeError(expected='"same", "down" or "up"', got=repr(kind), remedy="choose one of them")
        self.key = layers.convolution(in_channels, keys, kernel_size=1, bias=True)
        self.value = layers.convolution(in_channels, values, kernel_size=1, bias=True)
        self.out = layers.convolution(values, out_channels, kernel_size=1, bias=True)

    def forward(self, image: Tensor) -> Tensor:
        """Aggregate over all positions."""
        query = self.query(image)
        aggregated = attend(
            self._split(query),
            self._split(self.key(image)),
            self._split(self.value(image)),
            dropout=self.dropout if self.training else 0.0,
        )
        joined = aggregated.transpose(2, 3).reshape(image.shape[0], -1, *query.shape[2:])
        return self.out(joined)

    def _split(self, image: Tensor) -> Tensor:
        """(B, C, *spatial) -> (B, heads, voxels, C / heads)."""
        return image.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)


def _check(*, heads: int, channels: tuple[int, int], dropout: float) -> None:
    if any(count % heads for count in channels):
        raise RecipeError(
            expected=f"key and value channels divisible by {heads} heads",
            got=f"{channels[0]} and {channels[1]}",
            remedy="change the width or the number of heads",
        )
    if not 0 <= dropout < 1:
        raise RecipeError(expected="a dropout in [0, 1)", got=str(dropout), remedy="choose such a share")
