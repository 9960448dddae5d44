"""RAUNet: a ResNet-34 encoder, and skips weighted by an attention over channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, TRANSPOSED, check_spatial_dims
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.resnet34 import ResNet34Encoder
from univox.networks.blocks.sizes import SizeRule

_STAGES = 4


class RAUNet(nn.Module):
    """U-Net over a ResNet-34 whose skips pass an augmented attention module.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        widths: Channels of the four stages, multiples of 4.
        units: Residual blocks of each stage.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 32

    Raises:
        RecipeError: Other than four widths and numbers of units, or widths that 4 does not divide.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Ni et al., ICONIP 2019; layers of the released code nizhenliang/RAUNet, which ends in a log-softmax
        where there is more than one class: here are the logits before it. A form other than 2-D is inferred.

    >>> RAUNet(1, 2, spatial_dims=2, widths=(4, 4, 4, 4)).eval()(torch.zeros(1, 1, 32, 64)).shape
    torch.Size([1, 2, 32, 64])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder",)
    domain_parts: ClassVar[tuple[str, ...]] = ("encoder.conv1", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        widths: Sequence[int] = (64, 128, 256, 512),
        units: Sequence[int] = (3, 4, 6, 3),
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        if len(widths) != _STAGES or len(units) != _STAGES or any(width % 4 for width in widths):
            raise RecipeError(
                expected="four widths that 4 divides, and four numbers of units",
                got=f"{tuple(widths)} and {tuple(units)}",
                remedy="correct widths and units",
            )
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(32, spatial_dims)
        self.encoder = ResNet34Encoder(in_channels, spatial_dims=spatial_dims, widths=widths, units=units)
        first, second, third, fourth = widths
        self.up = nn.ModuleList(
            UpSampling(coarse, fine, spatial_dims=spatial_dims)
            for coarse, fine in ((fourth, third), (third, second), (second, first), (first, first))
        )
        self.attention = nn.ModuleList(
            AugmentedAttention(width, spatial_dims=spatial_dims) for width in (third, second, first)
        )
        half = first // 2
        # 2 n + 1 voxels, then 2 n - 1; the output's even kernel brings back 2 n.
        self.head = nn.Sequential(
            TRANSPOSED[spatial_dims](first, half, 3, stride=2),
            nn.ReLU(inplace=True),
            CONVOLUTIONS[spatial_dims](half, half, 3),
            nn.ReLU(inplace=True),
        )
        self.output = CONVOLUTIONS[spatial_dims](half, num_classes, 2, padding=1)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        skips = self.encoder(image)
        features = skips.pop()
        for up, attend in zip(self.up[:-1], self.attention, strict=True):
            features = attend(up(features), skips.pop())
        return self.output(self.head(self.up[-1](features)))


class UpSampling(nn.Module):
    """Doubles the grid through a quarter of the channels.

    Shape:
        (B, in_channels, *spatial) -> (B, out_channels, *spatial * 2)

    Source: Ni et al., ICONIP 2019, released code.
    """

    def __init__(self, in_channels: int, out_channels: int, *, spatial_dims: int) -> None:
        super().__init__()
        convolution, transposed, norm = CONVOLUTIONS[spatial_dims], TRANSPOSED[spatial_dims], BATCH_NORMS[spatial_dims]
        inner = in_channels // 4
        self.layers = nn.Sequential(
            convolution(in_channels, inner, 1),
            norm(inner),
            nn.ReLU(inplace=True),
            transposed(inner, inner, 4, stride=2, padding=1),
            norm(inner),
            nn.ReLU(inplace=True),
            convolution(inner, out_channels, 1),
            norm(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Every size doubled."""
        return self.layers(image)


class AugmentedAttention(nn.Module):
    """Weighs the channels of a skip by what both decoder and encoder hold on average, and adds it.

    Shape:
        decoder, encoder (B, channels, *spatial) -> (B, channels, *spatial)

    Source: Ni et al., ICONIP 2019, layers of the released code.
    """

    def __init__(self, channels: int, *, spatial_dims: int) -> None:
        super().__init__()
        convolution = CONVOLUTIONS[spatial_dims]
        self.of_decoder = PooledChannels(channels, spatial_dims=spatial_dims)
        self.of_encoder = PooledChannels(channels, spatial_dims=spatial_dims)
        self.score = convolution(channels, channels, 1)
        self.value = nn.Sequential(
            convolution(channels, channels, 1), BATCH_NORMS[spatial_dims](channels), nn.ReLU(inplace=True)
        )

    def forward(self, decoder: Tensor, encoder: Tensor) -> Tensor:
        """Decoder plus weighted encoder."""
        weights = torch.softmax(self.score(self.of_decoder(decoder) + self.of_encoder(encoder)), dim=1)
        return decoder + weights * self.value(encoder)


class PooledChannels(nn.Module):
    """The average of every channel, projected, normalized over the batch and activated.

    A batch of one image has no spread to normalize by: its channels are normalized by the running statistics, in
    training too, which it leaves as they are (a departure: the released code fails there).

    Shape:
        (B, channels, *spatial) -> (B, channels, *ones)
    """

    def __init__(self, channels: int, *, spatial_dims: int) -> None:
        super().__init__()
        self.convolution = CONVOLUTIONS[spatial_dims](channels, channels, 1)
        self.normalization = nn.BatchNorm1d(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Project the averages."""
        axes = tuple(range(2, image.ndim))
        pooled = self.convolution(image.mean(axes, keepdim=True))
        normalized = self._normalized(pooled.flatten(1))
        return functional.relu(normalized).reshape(pooled.shape)

    def _normalized(self, vectors: Tensor) -> Tensor:
        norm = self.normalization
        if vectors.shape[0] > 1 or not self.training:
            return norm(vectors)
        return functional.batch_norm(
            vectors, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False, eps=norm.eps
        )
