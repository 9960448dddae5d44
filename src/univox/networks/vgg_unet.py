"""A U-Net with the convolutions of VGG-16 on its way down."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn

from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule
from univox.networks.blocks.u_shape import Convolutions, Normalization, UpLevel, plain_layers
from univox.networks.blocks.vgg import VGG16_WIDTHS, VGG16Features


class VGGUNet(nn.Module):
    """U-Net whose encoder is VGG-16, so that it can start from weights trained on photographs.

    The five groups of the encoder are the levels; their outputs before each pooling are the skips, and the last
    group is the bottom. The way up is that of the padded U-Net of 2015.

    Args:
        in_channels: Image channels. With 3 the first layer takes foreign weights too; with another number it starts
            at random.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3; foreign weights are 2-D.
        widths: Channels per level, finest first, five.
        normalization: After each convolution on the way up: "batch", "instance" or "none". The encoder has none.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 16

    Raises:
        RecipeError: Another number of widths or axes, or an unknown normalization.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: this project's design, after the idea of Iglovikov, Shvets (2018, with VGG-11). Encoder: Simonyan,
        Zisserman, ICLR 2015; the way up: Ronneberger et al., MICCAI 2015. Its normalization is chosen here.

    >>> import torch
    >>> VGGUNet(3, 2, spatial_dims=2, widths=(2, 2, 4, 4, 4)).eval()(torch.zeros(1, 3, 16, 32)).shape
    torch.Size([1, 2, 16, 32])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("features",)
    domain_parts: ClassVar[tuple[str, ...]] = ("features.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        widths: Sequence[int] = VGG16_WIDTHS,
        normalization: Normalization = "batch",
    ) -> None:
        super().__init__()
        layers = plain_layers(spatial_dims, normalization=normalization)
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(16, spatial_dims)
        self.features = VGG16Features(in_channels, widths=widths, layers=layers, spatial_dims=spatial_dims)
        self.decoder = nn.ModuleList(
            UpLevel(
                layers.transposed(coarse, fine, kernel_size=2, stride=2, bias=True),
                # A bias before a normalization would do nothing.
                Convolutions(2 * fine, fine, fine, layers=layers, bias=normalization == "none"),
            )
            for coarse, fine in pairwise(reversed(widths))
        )
        self.output = layers.convolution(widths[0], num_classes, kernel_size=1, bias=True)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        skips = self.features(image)
        features = skips.pop()
        for level in self.decoder:
            features = level(features, skips.pop())
        return self.output(features)
