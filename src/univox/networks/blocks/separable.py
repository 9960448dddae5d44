"""Convolutions in two parts: each channel on its own, a dataset's; then the channels at each voxel, shared."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from univox.networks.blocks.by_dimension import Sizes, check_spatial_dims, per_axis
from univox.networks.blocks.conv import Layers, batch_norm, block_convolution, centered_convolution
from univox.networks.blocks.domain_adapter import DomainChannelwiseConvolution


class SeparableConvolution(nn.Module):
    """A channel-wise convolution, which belongs to a dataset, and a point-wise one, which datasets may share.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        spatial_dims: 1, 2 or 3.
        kernel_size: Edge of the channel-wise part, one number or one per axis, odd.
        stride: Voxels between outputs, one number or one per axis.
        bias: Whether a number per output channel is added.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial / stride)

    Source: Huang et al., MICCAI 2019, Eq. 1, without the normalization and activation that they put between the parts.
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
        self.channelwise = DomainChannelwiseConvolution(
            in_channels, spatial_dims=spatial_dims, kernel_size=kernel_size, stride=stride
        )
        self.pointwise = centered_convolution(
            in_channels, out_channels, kernel_size=1, bias=bias, spatial_dims=spatial_dims
        )

    def forward(self, image: Tensor) -> Tensor:
        """Convolve each channel, then mix the channels of each voxel."""
        return self.pointwise(self.channelwise(image))


def separable_layers(spatial_dims: int, *, batch_norm_momentum: float = 0.1) -> Layers:
    """The layers of `centered_layers` with every convolution of more than one voxel separable."""
    check_spatial_dims(spatial_dims)
    return Layers(
        convolution=partial(_convolution, spatial_dims=spatial_dims),
        transposed=partial(block_convolution, spatial_dims=spatial_dims),
        normalization=partial(batch_norm, spatial_dims=spatial_dims, momentum=batch_norm_momentum),
        activation=partial(nn.ReLU, inplace=True),
    )


def _convolution(
    in_channels: int,
    out_channels: int,
    *,
    kernel_size: Sizes = 3,
    stride: Sizes = 1,
    bias: bool = False,
    spatial_dims: int,
) -> nn.Module:
    pointwise = per_axis(kernel_size, spatial_dims) == (1,) * spatial_dims
    kind = centered_convolution if pointwise else SeparableConvolution
    return kind(in_channels, out_channels, kernel_size=kernel_size, stride=stride, bias=bias, spatial_dims=spatial_dims)
