"""Convolutions in 1-, 2- and 3-D, and the set of layers that a block is built from.

Two alignments are in use with stride 2 and kernel 3. *Aligned* is that of the published Non-local U-Net: zeros
are put after the last voxel only, and the transposed convolution is its adjoint. *Centered* is torch's own,
symmetric padding. Shapes and counts agree; weights are not interchangeable, for the grids lie one voxel apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from torch import Tensor, nn
from torch.nn import functional

from univox.networks.blocks.by_dimension import (
    BATCH_NORMS,
    CONVOLUTIONS,
    TRANSPOSED,
    Sizes,
    check_spatial_dims,
    per_axis,
)


class MakeConvolution(Protocol):
    """A constructor of convolutions, plain or transposed; `spatial_dims` and padding are its own affair."""

    def __call__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: Sizes = 3,
        stride: Sizes = 1,
        bias: bool = False,
    ) -> nn.Module:
        """Build one layer of that many channels."""
        ...


@dataclass(frozen=True)
class Layers:
    """What a block is made of, handed in from outside: a block never chooses its own convolution.

    Args:
        convolution: Same size at stride 1, the size divided by the stride otherwise.
        transposed: The size multiplied by the stride.
        normalization: A layer for that many channels.
        activation: A layer without parameters.
    """

    convolution: MakeConvolution
    transposed: MakeConvolution
    normalization: Callable[[int], nn.Module]
    activation: Callable[[], nn.Module]


def aligned_layers(spatial_dims: int, *, batch_norm_momentum: float = 0.1) -> Layers:
    """The layers of the published Non-local U-Net: zeros after the last voxel, batch norm, ReLU6."""
    check_spatial_dims(spatial_dims)
    return Layers(
        convolution=partial(AlignedConvolution, spatial_dims=spatial_dims),
        transposed=partial(AlignedTransposedConvolution, spatial_dims=spatial_dims),
        normalization=partial(batch_norm, spatial_dims=spatial_dims, momentum=batch_norm_momentum),
        activation=nn.ReLU6,
    )


def centered_layers(spatial_dims: int, *, batch_norm_momentum: float = 0.1) -> Layers:
    """Symmetrically padded convolutions, up-sampling by kernel = stride, batch norm, ReLU."""
    check_spatial_dims(spatial_dims)
    return Layers(
        convolution=partial(centered_convolution, spatial_dims=spatial_dims),
        transposed=partial(block_convolution, spatial_dims=spatial_dims),
        normalization=partial(batch_norm, spatial_dims=spatial_dims, momentum=batch_norm_momentum),
        activation=partial(nn.ReLU, inplace=True),
    )


def batch_norm(channels: int, *, spatial_dims: int, momentum: float) -> nn.Module:
    """Batch norm with learned scale and shift, epsilon 1e-5; momentum is the new batch's share."""
    return BATCH_NORMS[spatial_dims](channels, eps=1e-5, momentum=momentum)


def centered_convolution(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Sizes = 3,
    stride: Sizes = 1,
    bias: bool = False,
    spatial_dims: int,
) -> nn.Module:
    """A convolution of odd kernel, padded alike on both sides."""
    kernel = per_axis(kernel_size, spatial_dims)
    return CONVOLUTIONS[spatial_dims](
        in_channels,
        out_channels,
        kernel,
        stride=per_axis(stride, spatial_dims),
        padding=tuple(k // 2 for k in kernel),
        bias=bias,
    )


def block_convolution(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Sizes | None = None,
    stride: Sizes = 2,
    bias: bool = False,
    spatial_dims: int,
) -> nn.Module:
    """A transposed convolution that turns each voxel into a block of its own; kernel = stride unless given."""
    strides = per_axis(stride, spatial_dims)
    kernel = strides if kernel_size is None else per_axis(kernel_size, spatial_dims)
    return TRANSPOSED[spatial_dims](in_channels, out_channels, kernel, stride=strides, bias=bias)


def convolved(
    in_channels: int,
    out_channels: int,
    *,
    layers: Layers,
    kernel_size: Sizes = 3,
    stride: Sizes = 1,
    bias: bool = False,
) -> nn.Sequential:
    """A convolution, a normalization and an activation."""
    return nn.Sequential(
        layers.convolution(in_channels, out_channels, kernel_size=kernel_size, stride=stride, bias=bias),
        layers.normalization(out_channels),
        layers.activation(),
    )


def _surplus(kernel: Sequence[int], stride: Sequence[int]) -> list[tuple[int, int]]:
    """Planes before and after, per axis, by which windows at that stride reach past an even size."""
    totals = [max(k - s, 0) for k, s in zip(kernel, stride, strict=True)]
    return [(total // 2, total - total // 2) for total in totals]


class AlignedConvolution(nn.Module):
    """A convolution whose odd plane of padding lies after the last voxel.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        spatial_dims: 1, 2 or 3.
        kernel_size: Edge, one number or one per axis.
        stride: Voxels between outputs, one number or one per axis; sizes must be multiples of it.
        bias: Whether a number per output channel is added.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial / stride)

    Source: Wang et al., AAAI 2020, released code ("same" padding of its framework).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        spatial_dims: int,
        kernel_size: Sizes = 3,
        stride: Sizes = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        kernel, strides = per_axis(kernel_size, spatial_dims), per_axis(stride, spatial_dims)
        surplus = _surplus(kernel, strides)
        symmetric = all(before == after for before, after in surplus)
        # Even padding is left to the convolution itself, which need not copy the image for it.
        padding = tuple(before for before, _ in surplus) if symmetric else 0
        # functional.pad counts axes from the last to the first.
        self.padding = () if symmetric else tuple(p for axis in reversed(surplus) for p in axis)
        self.convolution = CONVOLUTIONS[spatial_dims](
            in_channels, out_channels, kernel, stride=strides, padding=padding, bias=bias
        )

    def forward(self, image: Tensor) -> Tensor:
        """Convolve, padded with zeros."""
        return self.convolution(functional.pad(image, self.padding) if self.padding else image)


class AlignedTransposedConvolution(nn.Module):
    """The adjoint of `AlignedConvolution`: every size multiplied by the stride.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial * stride)

    Source: Wang et al., AAAI 2020, released code (its unpadded form less the planes past the grid).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        spatial_dims: int,
        kernel_size: Sizes = 3,
        stride: Sizes = 2,
        bias: bool = False,
    ) -> None:
        super().__init__()
        kernel, self.stride = per_axis(kernel_size, spatial_dims), per_axis(stride, spatial_dims)
        self.first = tuple(before for before, _ in _surplus(kernel, self.stride))
        # A kernel shorter than its stride leaves the last planes of each step empty.
        short = tuple(max(s - k, 0) for k, s in zip(kernel, self.stride, strict=True))
        self.convolution = TRANSPOSED[spatial_dims](
            in_channels, out_channels, kernel, stride=self.stride, bias=bias, output_padding=short
        )

    def forward(self, image: Tensor) -> Tensor:
        """Spread every voxel over its kernel, and keep what lies on the grid."""
        grown = cast(Tensor, self.convolution(image))
        for axis, (first, stride) in enumerate(zip(self.first, self.stride, strict=True), start=2):
            grown = grown.narrow(axis, first, image.shape[axis] * stride)
        return grown
