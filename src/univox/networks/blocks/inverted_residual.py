"""The inverted residual block of MobileNetV2."""

from __future__ import annotations

from torch import Tensor, nn

from univox.networks.blocks.conv import Layers
from univox.networks.blocks.depthwise import ChannelwiseConvolution


class InvertedResidual(nn.Module):
    """Widen by a convolution of edge 1, convolve each channel, narrow again; add the input where the shape allows.

    Normalization follows each convolution, activation the first two; nothing is widened at expansion 1.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        layers: Where the other parts come from.
        spatial_dims: 1, 2 or 3.
        stride: Of the channel-wise convolution.
        expansion: Channels between, as a multiple of those in.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial / stride), rounded up

    Source: Sandler et al., CVPR 2018.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        layers: Layers,
        spatial_dims: int,
        stride: int = 1,
        expansion: int = 6,
    ) -> None:
        super().__init__()
        hidden = expansion * in_channels
        widen = [
            layers.convolution(in_channels, hidden, kernel_size=1),
            layers.normalization(hidden),
            layers.activation(),
        ]
        self.branch = nn.Sequential(
            *(widen if expansion > 1 else []),
            ChannelwiseConvolution(hidden, spatial_dims=spatial_dims, stride=stride),
            layers.normalization(hidden),
            layers.activation(),
            layers.convolution(hidden, out_channels, kernel_size=1),
            layers.normalization(out_channels),
        )
        self.is_residual = stride == 1 and in_channels == out_channels

    def forward(self, image: Tensor) -> Tensor:
        """Branch, plus the image where it has the branch's shape."""
        result = self.branch(image)
        return image + result if self.is_residual else result
