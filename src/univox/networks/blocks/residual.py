"""Residual blocks: activation before the convolutions (2016 form), and after them (2015 form)."""

from __future__ import annotations

from torch import Tensor, nn

from univox.networks.blocks.conv import Layers


class PreActivation(nn.Sequential):
    """Normalization, then activation."""

    def __init__(self, channels: int, *, layers: Layers) -> None:
        super().__init__(layers.normalization(channels), layers.activation())


class PreActivationBlock(nn.Module):
    """Two convolutions, each behind normalization and activation, and a shortcut.

    A projection (convolution of edge 1) is the shortcut where the shape changes or where asked for, and reads the
    first activation; an identity adds the untouched input.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        layers: Where the parts come from.
        stride: Of the first convolution and the projection.
        shortcut: "auto" projects where stride or channels change; "none" leaves the branch alone.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial / stride)

    Source: Wang et al., AAAI 2020, Fig. 2(a), 2(b); He et al., ECCV 2016.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        layers: Layers,
        stride: int = 1,
        shortcut: str = "auto",
    ) -> None:
        super().__init__()
        self.activate = PreActivation(in_channels, layers=layers)
        self.branch = nn.Sequential(
            layers.convolution(in_channels, out_channels, kernel_size=3, stride=stride),
            PreActivation(out_channels, layers=layers),
            layers.convolution(out_channels, out_channels, kernel_size=3),
        )
        changes = in_channels != out_channels or stride != 1
        self.has_shortcut = shortcut != "none"
        self.projection: nn.Module | None = None
        if shortcut == "projection" or (shortcut == "auto" and changes):
            self.projection = layers.convolution(in_channels, out_channels, kernel_size=1, stride=stride)

    def forward(self, image: Tensor) -> Tensor:
        """Branch plus shortcut."""
        activated = self.activate(image)
        result = self.branch(activated)
        if self.projection is not None:
            return result + self.projection(activated)
        return result + image if self.has_shortcut else result


class ResidualBlock(nn.Module):
    """Convolution, normalization, activation, convolution, normalization; add the input; activation.

    Shape:
        (B, channels, *spatial), unchanged

    Source: He et al., CVPR 2016.
    """

    def __init__(self, channels: int, *, layers: Layers) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            layers.convolution(channels, channels),
            layers.normalization(channels),
            layers.activation(),
            layers.convolution(channels, channels),
            layers.normalization(channels),
        )
        self.activation = layers.activation()

    def forward(self, image: Tensor) -> Tensor:
        """Branch plus image, activated."""
        return self.activation(self.branch(image) + image)
