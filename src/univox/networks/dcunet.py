"""DC-UNet: every level is two parallel chains of convolutions, every skip a path of residual units."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, MAX_POOLS, TRANSPOSED, check_spatial_dims
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule

Padding = Literal["reflect", "zeros"]
Head = Literal["logits", "released"]

_LEVELS = 5
_WIDENING = 1.67
_SHARES = (0.167, 0.333, 0.5)
"""Of the widened channels of a level, in the order of its chains."""


class DCUNet(nn.Module):
    """U-Net of dual-channel blocks.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        width: Channels of the finest level, doubled per level; a level's output has about 1.67 times as many.
        padding: "reflect" as in the released code, which then needs at least 32 voxels an axis; "zeros": 16.
        head: "logits": a biased convolution. "released": an unbiased one, normalization and hyperbolic tangent, as
            released; that form counts 10,811,071 (3 channels, 1 class). Bounded to (-1, 1) it is no logits
            that a softmax could make sure of anything with: seven times as likely as the other class at most.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 16, from 32 on with reflection

    Raises:
        RecipeError: Another padding or head, or a width below 4.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Lou, Guan, Loew, Medical Imaging 2021 (SPIE); layers of the released code AngeLouCN/DC-UNet, its PyTorch
        folder. Its dropout is left out (it is off there); forms other than 2-D are inferred.

    >>> DCUNet(1, 2, spatial_dims=2, width=4).eval()(torch.zeros(1, 1, 32, 48)).shape
    torch.Size([1, 2, 32, 48])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder",)
    domain_parts: ClassVar[tuple[str, ...]] = (
        "encoder.0.first.chain.0.0",
        "encoder.0.second.chain.0.0",
        "encoder.0.shortcut.0",
        "output",
    )

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        width: int = 32,
        padding: Padding = "reflect",
        head: Head = "logits",
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        _check(width=width, padding=padding, head=head)
        self.in_channels = in_channels
        self.sizes = SizeRule.multiples(16, spatial_dims, smallest=32 if padding == "reflect" else None)
        self.halve = MAX_POOLS[spatial_dims](2)
        widths = [width * 2**level for level in range(_LEVELS)]
        outputs = [sum(_shares(level_width)) for level_width in widths]
        layers = _Layers(spatial_dims, padding)
        self.encoder = nn.ModuleList(
            DualChannel(before, level_width, layers=layers)
            for before, level_width in zip((in_channels, *outputs), widths, strict=False)
        )
        finer = list(range(_LEVELS - 1))
        # The longer the leap from encoder to decoder, the more units: 4, 3, 2, 1.
        self.skips = nn.ModuleList(
            ResidualPath(outputs[level], widths[level], units=_LEVELS - 1 - level, layers=layers) for level in finer
        )
        self.up = nn.ModuleList(
            TRANSPOSED[spatial_dims](outputs[level + 1], widths[level], 2, stride=2) for level in reversed(finer)
        )
        self.decoder = nn.ModuleList(
            DualChannel(2 * widths[level], widths[level], layers=layers) for level in reversed(finer)
        )
        self.output = _head(head, outputs[0], num_classes, spatial_dims=spatial_dims)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        maps: list[Tensor] = []
        for encode in self.encoder:
            maps.append(encode(self.halve(maps[-1]) if maps else image))
        features = maps.pop()
        for up, skip, decode in zip(self.up, reversed(self.skips), self.decoder, strict=True):
            features = decode(torch.cat([up(features), skip(maps.pop())], dim=1))
        return self.output(features)


class _Layers:
    """Convolutions of the released code, with their normalization."""

    def __init__(self, spatial_dims: int, padding: Padding) -> None:
        self.spatial_dims, self.padding = spatial_dims, padding

    def normalization(self, channels: int, *, learned: bool = True) -> nn.Module:
        return BATCH_NORMS[self.spatial_dims](channels, affine=learned)

    def convolved(self, in_channels: int, out_channels: int) -> nn.Sequential:
        """A convolution of edge 3, a normalization that learns nothing, ReLU."""
        return nn.Sequential(
            CONVOLUTIONS[self.spatial_dims](
                in_channels, out_channels, 3, padding=1, padding_mode=self.padding, bias=False
            ),
            self.normalization(out_channels, learned=False),
            nn.ReLU(inplace=True),
        )

    def projected(self, in_channels: int, out_channels: int) -> nn.Sequential:
        """A convolution of edge 1 and a normalization."""
        return nn.Sequential(
            CONVOLUTIONS[self.spatial_dims](in_channels, out_channels, 1, bias=False), self.normalization(out_channels)
        )


class Chain(nn.Module):
    """Three convolutions in a row, their outputs concatenated and normalized."""

    def __init__(self, in_channels: int, channels: tuple[int, ...], *, layers: _Layers) -> None:
        super().__init__()
        self.chain = nn.ModuleList(
            layers.convolved(before, after) for before, after in pairwise((in_channels, *channels))
        )
        self.normalization = layers.normalization(sum(channels))

    def forward(self, image: Tensor) -> Tensor:
        """Concatenate what each gives."""
        outputs: list[Tensor] = []
        for convolve in self.chain:
            image = convolve(image)
            outputs.append(image)
        return self.normalization(torch.cat(outputs, dim=1))


class DualChannel(nn.Module):
    """Two chains of the same shape and a projection of the input, summed, activated and normalized.

    Args:
        in_channels: Channels in.
        width: Of the level; the output has the sum of its shares, about 1.67 times as many.
        layers: Where the parts come from.

    Source: Lou, Guan, Loew 2021; the projection as in the released PyTorch code.
    """

    def __init__(self, in_channels: int, width: int, *, layers: _Layers) -> None:
        super().__init__()
        channels = _shares(width)
        self.first = Chain(in_channels, channels, layers=layers)
        self.second = Chain(in_channels, channels, layers=layers)
        self.shortcut = layers.projected(in_channels, sum(channels))
        self.activation = nn.ReLU(inplace=True)
        self.normalization = layers.normalization(sum(channels))

    def forward(self, image: Tensor) -> Tensor:
        """Sum of the three ways."""
        return self.normalization(self.activation(self.first(image) + self.second(image) + self.shortcut(image)))


class ResidualPath(nn.Sequential):
    """Residual units between encoder and decoder; the first narrows to the level's width."""

    def __init__(self, in_channels: int, width: int, *, units: int, layers: _Layers) -> None:
        super().__init__(
            *(ResidualUnit(in_channels if unit == 0 else width, width, layers=layers) for unit in range(units))
        )


class ResidualUnit(nn.Module):
    """A convolution beside a projection, summed, activated and normalized."""

    def __init__(self, in_channels: int, out_channels: int, *, layers: _Layers) -> None:
        super().__init__()
        self.branch = layers.convolved(in_channels, out_channels)
        self.shortcut = layers.projected(in_channels, out_channels)
        self.activation = nn.ReLU(inplace=True)
        self.normalization = layers.normalization(out_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Branch plus projection."""
        return self.normalization(self.activation(self.branch(image) + self.shortcut(image)))


def _shares(width: int) -> tuple[int, ...]:
    return tuple(int(share * _WIDENING * width) for share in _SHARES)


def _head(head: Head, in_channels: int, num_classes: int, *, spatial_dims: int) -> nn.Module:
    convolution = CONVOLUTIONS[spatial_dims]
    if head == "logits":
        return convolution(in_channels, num_classes, 1)
    return nn.Sequential(
        convolution(in_channels, num_classes, 1, bias=False), BATCH_NORMS[spatial_dims](num_classes), nn.Tanh()
    )


def _check(*, width: int, padding: str, head: str) -> None:
    if min(_shares(width)) < 1:
        raise RecipeError(expected="a width from 4 on", got=str(width), remedy="choose a larger one")
    for got, kind, what in ((padding, Padding, "padding"), (head, Head, "head")):
        if got not in get_args(kind):
            raise RecipeError(
                expected=f"a {what} of {', '.join(get_args(kind))}", got=repr(got), remedy="choose one of them"
            )
