"""Layers that convolve each channel on its own: the depthwise part of a separable convolution."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.channelwise import convolve_channels, spread_channels
from univox.networks.blocks.conv import Sizes, check_spatial_dims, per_axis


class _Channelwise(nn.Module):
    """Kernel, bias and their first values, He's: a normal of variance 2 / inputs per output, and zero."""

    padding: tuple[int, ...]

    def __init__(self, channels: int, *, kernel: tuple[int, ...], stride: tuple[int, ...], bias: bool) -> None:
        super().__init__()
        self.channels, self.kernel_size, self.stride = channels, kernel, stride
        self.weight = nn.Parameter(torch.empty(channels, 1, *kernel))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None
        nn.init.normal_(self.weight, std=math.sqrt(2.0 / self.inputs_per_output()))

    def inputs_per_output(self) -> float:
        """Numbers summed into one output."""
        return math.prod(self.kernel_size)

    def extra_repr(self) -> str:
        """What torch prints between the brackets."""
        return (
            f"{self.channels}, kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"bias={self.bias is not None}"
        )


class ChannelwiseConvolution(_Channelwise):
    """Each channel convolved with its own kernel, zeros around the image.

    Args:
        channels: In and out.
        spatial_dims: 1, 2 or 3.
        kernel_size: Edge, one number or one per axis.
        stride: Voxels between outputs, one number or one per axis.
        padding: Zeros on either side, one number or one per axis; unless given, (kernel_size - 1) // 2, which keeps
            the size at stride 1 and divides it by the stride otherwise.
        bias: Whether a number per channel is added.

    Shape:
        (B, channels, *spatial) -> (B, channels, *spatial / stride)

    Raises:
        RecipeError: An even kernel at stride 1 and no padding given: no symmetric one keeps the size.

    >>> down = ChannelwiseConvolution(8, spatial_dims=3, kernel_size=(1, 3, 3), stride=(1, 2, 2))
    >>> down(torch.zeros(1, 8, 4, 6, 6)).shape
    torch.Size([1, 8, 4, 3, 3])
    """

    def __init__(
        self,
        channels: int,
        *,
        spatial_dims: int,
        kernel_size: Sizes = 3,
        stride: Sizes = 1,
        padding: Sizes | None = None,
        bias: bool = False,
    ) -> None:
        check_spatial_dims(spatial_dims)
        kernel, strides = per_axis(kernel_size, spatial_dims), per_axis(stride, spatial_dims)
        if padding is None:
            _check_parity(kernel, strides)
        super().__init__(channels, kernel=kernel, stride=strides, bias=bias)
        self.padding = tuple((k - 1) // 2 for k in kernel) if padding is None else per_axis(padding, spatial_dims)

    def forward(self, image: Tensor) -> Tensor:
        """Convolve every channel."""
        return convolve_channels(image, self.weight, self.bias, stride=self.stride, padding=self.padding)


class ChannelwiseTransposedConvolution(_Channelwise):
    """Each voxel spread over its channel's kernel: every size multiplied by the stride.

    Args:
        channels: In and out.
        spatial_dims: 1, 2 or 3.
        kernel_size: One number or one per axis; the stride unless given, so that each voxel becomes a block of its
            own. What a longer kernel reaches past its block lies half before and half behind, the odd plane before.
        stride: One number or one per axis.
        bias: Whether a number per channel is added.

    Shape:
        (B, channels, *spatial) -> (B, channels, *spatial * stride)

    Raises:
        RecipeError: An even kernel at stride 1.

    >>> up = ChannelwiseTransposedConvolution(8, spatial_dims=2, kernel_size=3)
    >>> up(torch.zeros(1, 8, 4, 5)).shape
    torch.Size([1, 8, 8, 10])
    """

    def __init__(
        self,
        channels: int,
        *,
        spatial_dims: int,
        kernel_size: Sizes | None = None,
        stride: Sizes = 2,
        bias: bool = False,
    ) -> None:
        check_spatial_dims(spatial_dims)
        strides = per_axis(stride, spatial_dims)
        kernel = strides if kernel_size is None else per_axis(kernel_size, spatial_dims)
        _check_parity(kernel, strides)
        super().__init__(channels, kernel=kernel, stride=strides, bias=bias)
        self.padding = tuple(max(k - s + 1, 0) // 2 for k, s in zip(kernel, strides, strict=True))

    def inputs_per_output(self) -> float:
        """Numbers summed into one output, on average: the kernel is shared among the voxels of a block."""
        return super().inputs_per_output() / math.prod(self.stride)

    def forward(self, image: Tensor) -> Tensor:
        """Spread every voxel."""
        size = tuple(n * s for n, s in zip(image.shape[2:], self.stride, strict=True))
        return spread_channels(
            image, self.weight, self.bias, stride=self.stride, padding=self.padding, spatial_shape=size
        )


def _check_parity(kernel: tuple[int, ...], stride: tuple[int, ...]) -> None:
    if any(k % 2 == 0 and s == 1 for k, s in zip(kernel, stride, strict=True)):
        raise RecipeError(
            expected="an odd kernel size along each axis of stride 1",
            got=f"kernel {kernel} and stride {stride}",
            remedy="choose an odd size, so that the padding can be symmetric",
        )
