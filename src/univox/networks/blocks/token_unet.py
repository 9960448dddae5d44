"""The U-Net that UNeXt and LcmUNet share: convolutions on the fine levels, channel mixing on the coarse ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import ClassVar

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, INTERPOLATION, MAX_POOLS
from univox.networks.blocks.channel_norm import ChannelNorm
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule

_CONVOLUTIONAL = 3
_LEVELS = 5


class TokenUNet(nn.Module):
    """Three convolutional levels, two that mix channels, and a decoder of summed skips.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels of the five levels.
        convolve: Gives the layers of a convolutional level, from channels in to channels out, before its pooling.
        mix: Gives the channel mixing of a coarse level.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 32

    Source: Valanarasu, Patel, MICCAI 2022; layers of the released code jeya-maria-jose/UNeXt-pytorch.
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder", "tokens")
    domain_parts: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int,
        widths: Sequence[int],
        convolve: Callable[[int, int], nn.Module],
        mix: Callable[[int], nn.Module],
    ) -> None:
        super().__init__()
        if len(widths) != _LEVELS:
            raise RecipeError(expected="five widths", got=str(tuple(widths)), remedy="give one per level")
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(2**_LEVELS, spatial_dims)
        convolution, coarse_to_fine = CONVOLUTIONS[spatial_dims], widths[::-1]
        self.encoder = nn.ModuleList(
            nn.Sequential(convolve(before, after), MAX_POOLS[spatial_dims](2), nn.ReLU(inplace=True))
            for before, after in zip((in_channels, *widths), widths[:_CONVOLUTIONAL], strict=False)
        )
        self.tokens = nn.ModuleList(
            nn.Sequential(
                convolution(before, after, 3, stride=2, padding=1), ChannelNorm(after), mix(after), ChannelNorm(after)
            )
            for before, after in zip(widths[_CONVOLUTIONAL - 1 :], widths[_CONVOLUTIONAL:], strict=False)
        )
        self.up = nn.ModuleList(
            nn.Sequential(
                convolution(coarse, fine, 3, padding=1), BATCH_NORMS[spatial_dims](fine), *_enlarged(spatial_dims)
            )
            for coarse, fine in itertools.pairwise(coarse_to_fine)
        )
        mixed = coarse_to_fine[1 : 1 + _LEVELS - _CONVOLUTIONAL]
        self.decoder = nn.ModuleList(nn.Sequential(mix(width), ChannelNorm(width)) for width in mixed)
        self.last = nn.Sequential(convolution(widths[0], widths[0], 3, padding=1), *_enlarged(spatial_dims))
        self.output = convolution(widths[0], num_classes, 1)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = image
        skips: list[Tensor] = []
        for level in (*self.encoder, *self.tokens):
            features = level(features)
            skips.append(features)
        features = skips.pop()
        for row, up in enumerate(self.up):
            features = up(features) + skips.pop()
            if row < len(self.decoder):
                features = self.decoder[row](features)
        return self.output(self.last(features))


def _enlarged(spatial_dims: int) -> tuple[nn.Module, ...]:
    """Twice the size, then ReLU: in this order, as released."""
    return nn.Upsample(scale_factor=2, mode=INTERPOLATION[spatial_dims]), nn.ReLU(inplace=True)
