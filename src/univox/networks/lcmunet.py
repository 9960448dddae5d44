"""LcmUNet: a small U-Net of asymmetric depthwise convolutions and, below, MLPs over channels; a stand-in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, check_spatial_dims
from univox.networks.blocks.depthwise import ChannelwiseConvolution
from univox.networks.blocks.shifted_mlp import LocalShiftedMLP
from univox.networks.blocks.token_unet import TokenUNet

_SQUEEZED = 4
"""Of the channels, by what divides them in the channel attention; also the fewest that are left."""


class LcmUNet(TokenUNet):
    """Three levels of asymmetric depthwise blocks and two of local shifted MLPs, with summed skips.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels of the five levels.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 32

    Raises:
        RecipeError: Other than five widths.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Zhang, Niu, Bioengineering 2023, of which the summary was at hand: three convolutional levels, two of MLPs,
        1.49 million parameters. The convolutional block is that of the repository BigPizza9828/LcmUNet-1, where it
        has no attention; attention, MLPs and all around them are chosen to meet the number. A form other than
        2-D was not published.

    >>> LcmUNet(1, 2, spatial_dims=2, widths=(8, 8, 8, 8, 8)).eval()(torch.zeros(1, 1, 32, 64)).shape
    torch.Size([1, 2, 32, 64])
    """

    domain_parts: ClassVar[tuple[str, ...]] = ("encoder.0.0.expand.0", "encoder.0.0.shortcut", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        widths: Sequence[int] = (16, 32, 128, 160, 256),
    ) -> None:
        check_spatial_dims(spatial_dims)
        super().__init__(
            in_channels,
            num_classes,
            spatial_dims=spatial_dims,
            widths=widths,
            convolve=partial(AsymmetricBlock, spatial_dims=spatial_dims),
            mix=partial(LocalShiftedMLP, spatial_dims=spatial_dims),
        )
        # The last enlargement is normalized like those before it; in UNeXt it is not.
        self.last.insert(1, BATCH_NORMS[spatial_dims](widths[0]))


class AsymmetricBlock(nn.Module):
    """Depthwise convolutions, square and then one axis at a time, each beside what it reads; channels are weighed.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial)

    Source: repository BigPizza9828/LcmUNet-1 (the layers without the channel attention); the attention is chosen.
    """

    def __init__(self, in_channels: int, out_channels: int, *, spatial_dims: int) -> None:
        super().__init__()
        convolution, norm = CONVOLUTIONS[spatial_dims], BATCH_NORMS[spatial_dims]

        def activated(before: int) -> nn.Sequential:
            return nn.Sequential(
                convolution(before, out_channels, 1, bias=False), norm(out_channels), nn.ReLU(inplace=True)
            )

        self.expand = activated(in_channels)
        self.square = Beside(ChannelwiseConvolution(out_channels, spatial_dims=spatial_dims), norm, out_channels)
        self.attention = ChannelAttention(out_channels, spatial_dims=spatial_dims)
        self.project = activated(out_channels)
        self.strips = Beside(_strips(out_channels, spatial_dims), norm, out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                ChannelwiseConvolution(in_channels, spatial_dims=spatial_dims),
                norm(in_channels),
                convolution(in_channels, out_channels, 1, bias=False),
                norm(out_channels),
            )

    def forward(self, image: Tensor) -> Tensor:
        """Branch plus shortcut."""
        weighed = self.attention(functional.relu(self.square(self.expand(image))))
        return self.strips(self.project(weighed)) + self.shortcut(image)


class Beside(nn.Module):
    """A normalized convolution plus its normalized input."""

    def __init__(self, convolution: nn.Module, norm: type[nn.Module], channels: int) -> None:
        super().__init__()
        self.convolution = convolution
        self.of_convolution, self.of_image = norm(channels), norm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Sum of both."""
        return self.of_convolution(self.convolution(image)) + self.of_image(image)


class ChannelAttention(nn.Module):
    """Each channel weighed by what all hold on average.

    Source: Hu, Shen, Sun, CVPR 2018 (squeeze and excitation).
    """

    def __init__(self, channels: int, *, spatial_dims: int) -> None:
        super().__init__()
        inner = max(channels // _SQUEEZED, _SQUEEZED)
        self.squeeze = CONVOLUTIONS[spatial_dims](channels, inner, 1)
        self.excite = CONVOLUTIONS[spatial_dims](inner, channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Weighed channels."""
        pooled = image.mean(tuple(range(2, image.ndim)), keepdim=True)
        return image * torch.sigmoid(self.excite(functional.relu(self.squeeze(pooled))))


def _strips(channels: int, spatial_dims: int) -> nn.Sequential:
    """One depthwise convolution of edge 3 along each axis, the last axis first."""
    kernels = [tuple(3 if axis == along else 1 for axis in range(spatial_dims)) for along in range(spatial_dims)]
    return nn.Sequential(
        *(
            ChannelwiseConvolution(channels, spatial_dims=spatial_dims, kernel_size=kernel)
            for kernel in reversed(kernels)
        )
    )
