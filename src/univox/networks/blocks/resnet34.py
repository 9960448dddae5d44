"""The encoder of a ResNet of basic blocks, 34 layers deep as published."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, MAX_POOLS


class ResNet34Encoder(nn.Module):
    """A strided stem and four stages of residual blocks; modules are named as in other libraries' ResNets.

    Weights trained elsewhere (`conv1`, `bn1`, `layer1` to `layer4`) so find their places by name.

    Args:
        in_channels: Image channels.
        spatial_dims: 1, 2 or 3.
        widths: Channels of the stages; the stem has the first's.
        units: Residual blocks of each stage.

    Shape:
        (B, in_channels, *spatial) -> one map per stage, finest first, at 1/4, 1/8, 1/16 and 1/32 of spatial

    Source: He et al., CVPR 2016.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        spatial_dims: int,
        widths: Sequence[int] = (64, 128, 256, 512),
        units: Sequence[int] = (3, 4, 6, 3),
    ) -> None:
        super().__init__()
        convolution, norm = CONVOLUTIONS[spatial_dims], BATCH_NORMS[spatial_dims]
        self.conv1 = convolution(in_channels, widths[0], 7, stride=2, padding=3, bias=False)
        self.bn1 = norm(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = MAX_POOLS[spatial_dims](3, stride=2, padding=1)

        def stage(before: int, after: int, count: int, stride: int) -> nn.Sequential:
            first = BasicBlock(before, after, spatial_dims=spatial_dims, stride=stride)
            return nn.Sequential(
                first, *(BasicBlock(after, after, spatial_dims=spatial_dims) for _ in range(count - 1))
            )

        self.layer1 = stage(widths[0], widths[0], units[0], 1)
        self.layer2 = stage(widths[0], widths[1], units[1], 2)
        self.layer3 = stage(widths[1], widths[2], units[2], 2)
        self.layer4 = stage(widths[2], widths[3], units[3], 2)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The map of every stage."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        maps: list[Tensor] = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            features = stage(features)
            maps.append(features)
        return maps


class BasicBlock(nn.Module):
    """Two convolutions, each normalized, plus the input; where it is strided or widens, the input is projected.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial / stride)

    Source: He et al., CVPR 2016, Fig. 5, left.
    """

    def __init__(self, in_channels: int, out_channels: int, *, spatial_dims: int, stride: int = 1) -> None:
        super().__init__()
        convolution, norm = CONVOLUTIONS[spatial_dims], BATCH_NORMS[spatial_dims]
        self.conv1 = convolution(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.bn1 = norm(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = convolution(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = norm(out_channels)
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                convolution(in_channels, out_channels, 1, stride=stride, bias=False), norm(out_channels)
            )

    def forward(self, image: Tensor) -> Tensor:
        """Branch plus shortcut, activated."""
        branch = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(image)))))
        return self.relu(branch + (image if self.downsample is None else self.downsample(image)))
