"""The convolutional part of VGG-16, which other networks take as their encoder."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import MAX_POOLS
from univox.networks.blocks.conv import Layers

VGG16_WIDTHS = (64, 128, 256, 512, 512)
_DEPTHS = (2, 2, 3, 3, 3)


class VGG16Features(nn.Sequential):
    """Thirteen convolutions of edge 3 with biases and ReLU in five groups, with poolings between.

    In a network this module is called `features`; its parameters then have the names, the order and (in 2-D with
    the published widths) the shapes that the weights of VGG-16 have in torchvision, `features.0.weight` to
    `features.28.bias`, so that `--init-from` takes those. There is no normalization.

    Args:
        in_channels: Image channels; weights trained on color photographs have 3.
        widths: Channels per group.
        layers: Convolution and activation.
        spatial_dims: Of the poolings.

    Shape:
        (B, in_channels, *spatial) -> five tensors, the outputs of the groups (B, widths[g], *spatial / 2 ** g)

    Raises:
        RecipeError: Another number of widths than five.

    Source: Simonyan, Zisserman, ICLR 2015, configuration D, less the last pooling and the three layers
        behind it. 1-D and 3-D are not in the paper.
    """

    def __init__(
        self, in_channels: int, *, widths: Sequence[int] = VGG16_WIDTHS, layers: Layers, spatial_dims: int
    ) -> None:
        if len(widths) != len(_DEPTHS):
            raise RecipeError(
                expected="five widths, one per group of VGG-16",
                got=str(tuple(widths)),
                remedy=f"give five, or leave widths out for {VGG16_WIDTHS}",
            )
        parts: list[nn.Module] = []
        before = in_channels
        for group, (width, depth) in enumerate(zip(widths, _DEPTHS, strict=True)):
            if group:
                parts.append(MAX_POOLS[spatial_dims](2))
            for _ in range(depth):
                parts += [layers.convolution(before, width, kernel_size=3, bias=True), layers.activation()]
                before = width
        super().__init__(*parts)

    def forward(self, input: Tensor) -> list[Tensor]:  # noqa: A002 - the base class's name
        """Outputs of the groups before their poolings, finest first."""
        outputs: list[Tensor] = []
        features = input
        for part in self:
            if isinstance(part, nn.MaxPool1d | nn.MaxPool2d | nn.MaxPool3d):
                outputs.append(features)
            features = part(features)
        return [*outputs, features]
