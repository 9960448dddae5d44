"""Convolution units of the 3D U2-Net: standard ones, and the domain adapter that divides one between datasets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from torch import Tensor, nn

from univox.networks.blocks.by_dimension import INSTANCE_NORMS, check_spatial_dims
from univox.networks.blocks.conv import AlignedConvolution, AlignedTransposedConvolution, Layers, Sizes
from univox.networks.blocks.depthwise import ChannelwiseConvolution

MakeUnit = Callable[[int, int], nn.Module]
"""A constructor of units from channels in to channels out, of the image's size."""


@dataclass(frozen=True)
class Units:
    """The convolutions of a network at stride 1, handed in from outside; each has its normalization behind it.

    Args:
        spatial: Edge 3.
        last: The second unit of a decoder block.
    """

    spatial: MakeUnit
    last: MakeUnit


def standard_units(layers: Layers) -> Units:
    """Ordinary convolutions, wholly shared but for their normalization; the last of a decoder block has edge 1."""
    return Units(spatial=partial(StandardUnit, layers=layers), last=partial(StandardUnit, layers=layers, kernel_size=1))


def adapted_units(layers: Layers, *, spatial_dims: int) -> Units:
    """Domain adapters, of edge 3 everywhere."""
    adapter = partial(DomainAdapter, layers=layers, spatial_dims=spatial_dims)
    return Units(spatial=adapter, last=adapter)


def instance_normalized_layers(spatial_dims: int) -> Layers:
    """The layers of the 3D U2-Net: zeros after the last voxel at stride 2, instance norm, leaky ReLU of slope 0.01.

    Source: Huang et al., MICCAI 2019, released code.
    """
    check_spatial_dims(spatial_dims)
    return Layers(
        convolution=partial(AlignedConvolution, spatial_dims=spatial_dims),
        transposed=partial(AlignedTransposedConvolution, spatial_dims=spatial_dims),
        normalization=partial(INSTANCE_NORMS[spatial_dims], eps=1e-5, affine=True),
        activation=partial(nn.LeakyReLU, 0.01, inplace=True),
    )


class StandardUnit(nn.Sequential):
    """A convolution with bias, and a normalization."""

    def __init__(
        self, in_channels: int, out_channels: int, *, layers: Layers, kernel_size: Sizes = 3, stride: Sizes = 1
    ) -> None:
        super().__init__(
            layers.convolution(in_channels, out_channels, kernel_size=kernel_size, stride=stride, bias=True),
            layers.normalization(out_channels),
        )


class DomainChannelwiseConvolution(ChannelwiseConvolution):
    """A channel-wise convolution whose kernels and biases belong to one dataset."""

    of_domain: ClassVar[bool] = True


class DomainAdapter(nn.Module):
    """A separable convolution: what lies in space belongs to one dataset, what joins channels to all.

    Channel-wise convolution of edge 3, normalization and activation (a dataset's own); point-wise convolution
    (shared); normalization (a dataset's own). Networks of several datasets hold the same point-wise convolution,
    each with a channel-wise one of its own.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        layers: Where the other parts come from.
        spatial_dims: 1, 2 or 3.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial)

    Source: Huang et al., MICCAI 2019, Fig. 1; biases and the activation between as in the released code.
    """

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, spatial_dims: int) -> None:
        super().__init__()
        self.channelwise = DomainChannelwiseConvolution(in_channels, spatial_dims=spatial_dims, bias=True)
        self.inner = nn.Sequential(layers.normalization(in_channels), layers.activation())
        self.pointwise = layers.convolution(in_channels, out_channels, kernel_size=1, bias=True)
        self.outer = layers.normalization(out_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Convolve each channel, then join them."""
        return self.outer(self.pointwise(self.inner(self.channelwise(image))))
