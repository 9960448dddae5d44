"""What U-Nets of convolution pairs are made of: the layers, a level up, and the sizes that they take."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import CONVOLUTIONS, INSTANCE_NORMS, Sizes, check_spatial_dims, per_axis
from univox.networks.blocks.conv import Layers, batch_norm, block_convolution, centered_convolution, convolved
from univox.networks.blocks.sizes import SizeRule

Normalization = Literal["none", "batch", "instance"]

_PAIR = 2
"""Convolutions of edge 3 in each level of either side, by which unpadded sizes are reckoned."""


def plain_layers(spatial_dims: int, *, padded: bool = True, normalization: Normalization = "none") -> Layers:
    """Convolutions with or without padding, up-convolutions of kernel = stride, a normalization or none, ReLU.

    Args:
        spatial_dims: 1, 2 or 3.
        padded: Whether convolutions put zeros around the image and so keep its size; without, they lose half
            their kernel on every side.
        normalization: "batch" and "instance" learn a scale and a shift per channel. With one image a batch both do
            the same in training; in prediction "instance" goes on so, and "batch" takes its running statistics.

    Raises:
        RecipeError: Another number of axes or an unknown normalization.
    """
    check_spatial_dims(spatial_dims)
    if normalization not in get_args(Normalization):
        raise RecipeError(
            expected=f"a normalization of {', '.join(get_args(Normalization))}",
            got=repr(normalization),
            remedy="choose one of them",
        )
    normalizations = {
        "none": _unchanged,
        "batch": partial(batch_norm, spatial_dims=spatial_dims, momentum=0.1),
        "instance": partial(INSTANCE_NORMS[spatial_dims], affine=True),
    }
    return Layers(
        convolution=partial(centered_convolution if padded else unpadded_convolution, spatial_dims=spatial_dims),
        transposed=partial(block_convolution, spatial_dims=spatial_dims),
        normalization=normalizations[normalization],
        activation=partial(nn.ReLU, inplace=True),
    )


def unpadded_convolution(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Sizes = 3,
    stride: Sizes = 1,
    bias: bool = False,
    spatial_dims: int,
) -> nn.Module:
    """A convolution that reads nothing but the image, and loses half its kernel on every side."""
    kernel, strides = per_axis(kernel_size, spatial_dims), per_axis(stride, spatial_dims)
    return CONVOLUTIONS[spatial_dims](in_channels, out_channels, kernel, stride=strides, bias=bias)


class Convolutions(nn.Sequential):
    """Convolutions of edge 3, each followed by a normalization and an activation.

    Args:
        channels: Before the first convolution and after each.
        layers: Where the parts come from.
        bias: Whether each adds a number per output channel.
    """

    def __init__(self, *channels: int, layers: Layers, bias: bool) -> None:
        parts: list[nn.Module] = []
        for before, after in pairwise(channels):
            parts += convolved(before, after, layers=layers, bias=bias)
        super().__init__(*parts)


class UpLevel(nn.Module):
    """Enlarges the coarse features, puts the center of the skip before them, and convolves both.

    Args:
        up: Doubles every size.
        convolutions: Of the channels of both.

    Shape:
        coarse (B, C, *spatial), skip (B, S, *at least what `up` makes of spatial) -> (B, K, *inner)

    Source: Ronneberger, Fischer, Brox, MICCAI 2015, Fig. 1.
    """

    def __init__(self, up: nn.Module, convolutions: nn.Module) -> None:
        super().__init__()
        self.up = up
        self.convolutions = convolutions

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Concatenate and convolve."""
        grown = self.up(coarse)
        return self.convolutions(torch.cat([crop_center(skip, grown.shape[2:]), grown], dim=1))


def crop_center(image: Tensor, shape: Sequence[int]) -> Tensor:
    """Take the middle of an image (B, C, *spatial); what is left over on an axis is cut alike on both sides.

    >>> crop_center(torch.arange(8.0).reshape(1, 1, 8), (4,)).tolist()
    [[[2.0, 3.0, 4.0, 5.0]]]
    """
    for axis, size in enumerate(shape, start=2):
        if image.shape[axis] != size:
            image = image.narrow(axis, (image.shape[axis] - size) // 2, size)
    return image


def u_sizes(halvings: int, spatial_dims: int, *, padded: bool, normalization: Normalization) -> SizeRule:
    """Give the sizes that a U-Net takes whose levels have two convolutions of edge 3 on either side.

    Unpadded, every pooling must see an even size, and something must be left at the end. The margin is the same
    for all sizes that fit. Padded, instance normalization wants two voxels at the bottom.

    >>> u_sizes(4, 2, padded=False, normalization="none")
    SizeRule(divisor=(16, 16), smallest=(188, 188), margin=(92, 92), cell=())
    """
    step = 2**halvings
    if padded:
        steps = (step,) * spatial_dims
        return SizeRule(steps, cell=steps if normalization == "instance" else ())
    # Level l loses one voxel of its own grid, 2 ** l of the image's, per convolution and side; the lowest level once.
    margin = _PAIR * (2 * sum(2**level for level in range(halvings)) + step)
    inner = 4 % step or step
    return SizeRule(
        (step,) * spatial_dims, smallest=(2 * margin + inner,) * spatial_dims, margin=(margin,) * spatial_dims
    )


def _unchanged(channels: int) -> nn.Module:
    del channels
    return nn.Identity()
