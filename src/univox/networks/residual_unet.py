"""univox's own network: a residual U-Net with attention whose convolutions may be separable, behind a strided stem."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import check_spatial_dims, per_axis
from univox.networks.blocks.conv import Layers, centered_layers, convolved
from univox.networks.blocks.global_aggregation import GlobalAggregation
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.residual import PreActivation, ResidualBlock
from univox.networks.blocks.separable import separable_layers
from univox.networks.blocks.sizes import SizeRule

# Widths that are not multiples of 32 fall off torch's fast path in bf16.
_FIRST_WIDTH, _LAST_WIDTH = 32, 256
_HEAD_CHANNELS = 32

Convolution = Literal["standard", "separable"]
Attention = Literal["none", "bottom", "bottom-up"]


class ResidualUNet(nn.Module):
    """Residual U-Net whose trunk starts at a strided stem, with a light path at full resolution beside it.

    The trunk halves (or less: `strides`) the grid at the stem and at each further level, attends to every voxel at
    the bottom, and comes back by transposed convolutions and summed skips. The detail path is one convolution
    of the image at full resolution; both are summed before the output.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        strides: One tuple of per-axis factors for each level, the stem's first; None: three of 2 on every axis.
        widths: Channels per level, as many as strides; None: 32, doubled per level up to 256.
        detail_channels: Channels at full resolution.
        blocks: Residual blocks per level, on either side.
        convolution: Of the residual blocks: "standard", or "separable" into a channel-wise part, which belongs to a
            dataset, and a point-wise one, which all datasets may share.
        attention: Where every voxel is attended to: nowhere, at the bottom, or in the trunk's up-sampling too.
        supervised: Levels of the trunk, finest first, that give logits of their own in training.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by the product of the strides. In training mode, with
            `supervised` levels, a tuple of logits, finest first, the others on their levels' grids

    Raises:
        RecipeError: An unknown kind of convolution or attention; strides and widths that do not fit each other or the
            number of axes.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: this project; attention of Wang et al., AAAI 2020; divided convolutions of Huang et al., MICCAI 2019.

    >>> import torch
    >>> ResidualUNet(1, 3, spatial_dims=2).eval()(torch.zeros(1, 1, 16, 24)).shape
    torch.Size([1, 3, 16, 24])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("encoder", "detail")
    domain_parts: ClassVar[tuple[str, ...]] = ("detail", "encoder.0.0", "output", "supervision")

    def __init__(  # noqa: PLR0913 - each is a value that the study of this network varies
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        strides: Sequence[Sequence[int]] | None = None,
        widths: Sequence[int] | None = None,
        detail_channels: int = 16,
        blocks: int = 1,
        convolution: Convolution = "standard",
        attention: Attention = "bottom",
        supervised: int = 0,
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        _check_choice("convolution", convolution, get_args(Convolution))
        _check_choice("attention", attention, get_args(Attention))
        steps = _strides(strides, spatial_dims)
        channels = _widths(widths, levels=len(steps))
        # Stem, detail path and changes of resolution stay whole convolutions, as in the 3D U2-Net.
        layers = centered_layers(spatial_dims)
        inner = separable_layers(spatial_dims) if convolution == "separable" else layers
        self.in_channels = in_channels
        self.sizes = SizeRule(tuple(math.prod(step[axis] for step in steps) for axis in range(spatial_dims)))
        self.detail = convolved(in_channels, detail_channels, layers=layers)
        self.encoder = nn.ModuleList(
            nn.Sequential(
                convolved(before, after, layers=layers, stride=step),
                *(ResidualBlock(after, layers=inner) for _ in range(blocks)),
            )
            for before, after, step in zip((in_channels, *channels), channels, steps, strict=False)
        )
        self.bottom = nn.Identity() if attention == "none" else BottomAttention(channels[-1], layers=layers)
        # In the order of the strides; the first, to full resolution, never attends: its grid is too large.
        self.up = nn.ModuleList(
            AttendingUpSampling(after, before, layers=layers, stride=step)
            if attention == "bottom-up" and level > 0
            else UpSampling(after, before, layers=layers, stride=step)
            for level, (before, after, step) in enumerate(
                zip((detail_channels, *channels), channels, steps, strict=False)
            )
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, layers=inner) for _ in range(blocks))) for width in channels[:-1]
        )
        self.supervision = _supervision(supervised, channels, num_classes, layers=layers)
        self.output = nn.Sequential(
            layers.activation(), layers.convolution(detail_channels, num_classes, kernel_size=1, bias=True)
        )
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits on the image's grid, and in training those of the supervised levels."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = image
        skips: list[Tensor] = []
        for level in self.encoder:
            features = level(features)
            skips.append(features)
        features = self.bottom(skips.pop())
        # From the coarsest level to the stem's; `up` is in the order of the strides.
        levels: list[Tensor] = []
        for up, decode in zip(reversed(self.up[1:]), reversed(self.decoder), strict=True):
            features = decode(up(features) + skips.pop())
            levels.append(features)
        logits = self.output(self.up[0](features) + self.detail(image))
        if not (self.training and len(self.supervision)):
            return logits
        coarse = [head(level) for head, level in zip(self.supervision, reversed(levels), strict=False)]
        return (logits, *coarse)


class BottomAttention(nn.Module):
    """Size-preserving attention behind normalization and activation; adds the untouched image."""

    def __init__(self, channels: int, *, layers: Layers) -> None:
        super().__init__()
        self.activate = PreActivation(channels, layers=layers)
        self.aggregation = GlobalAggregation(channels, channels, layers=layers, heads=_heads(channels))

    def forward(self, image: Tensor) -> Tensor:
        """Image plus what was aggregated."""
        return image + self.aggregation(self.activate(image))


class UpSampling(nn.Module):
    """A transposed convolution of kernel = stride and a normalization: each voxel becomes a block."""

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, stride: Sequence[int]) -> None:
        super().__init__()
        self.convolution = layers.transposed(in_channels, out_channels, kernel_size=stride, stride=stride)
        self.normalization = layers.normalization(out_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Every size multiplied by its stride."""
        return self.normalization(self.convolution(image))


class AttendingUpSampling(nn.Module):
    """Beside the transposed convolution each fine voxel attends to every coarse one; the sum is normalized.

    Source: Wang et al., AAAI 2020, Fig. 2(d); queries here by a transposed convolution of kernel = stride.
    """

    def __init__(self, in_channels: int, out_channels: int, *, layers: Layers, stride: Sequence[int]) -> None:
        super().__init__()
        queries = layers.transposed(in_channels, out_channels, kernel_size=stride, stride=stride, bias=True)
        self.activate = PreActivation(in_channels, layers=layers)
        self.convolution = layers.transposed(in_channels, out_channels, kernel_size=stride, stride=stride)
        self.aggregation = GlobalAggregation(
            in_channels, out_channels, layers=layers, query=queries, heads=_heads(out_channels)
        )
        self.normalization = layers.normalization(out_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Every size multiplied by its stride."""
        return self.normalization(self.convolution(image) + self.aggregation(self.activate(image)))


def _heads(channels: int) -> int:
    return channels // _HEAD_CHANNELS if channels % _HEAD_CHANNELS == 0 else 1


def _supervision(count: int, widths: tuple[int, ...], num_classes: int, *, layers: Layers) -> nn.ModuleList:
    if not 0 <= count < len(widths):
        raise RecipeError(
            expected=f"0 to {len(widths) - 1} supervised levels, all but the bottom", got=str(count), remedy="change it"
        )
    return nn.ModuleList(layers.convolution(width, num_classes, kernel_size=1, bias=True) for width in widths[:count])


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RecipeError(expected=f"{name} of {', '.join(choices)}", got=repr(value), remedy="choose one of them")


def _strides(strides: Sequence[Sequence[int]] | None, spatial_dims: int) -> tuple[tuple[int, ...], ...]:
    steps = ((2,) * spatial_dims,) * 3 if strides is None else strides
    if not steps or any(factor < 1 for step in steps for factor in step):
        raise RecipeError(expected="at least one stride, of factors from 1", got=str(steps), remedy="correct strides")
    return tuple(per_axis(step, spatial_dims) for step in steps)


def _widths(widths: Sequence[int] | None, *, levels: int) -> tuple[int, ...]:
    if widths is None:
        return tuple(min(_FIRST_WIDTH * 2**level, _LAST_WIDTH) for level in range(levels))
    if len(widths) != levels:
        raise RecipeError(
            expected=f"{levels} widths, one per stride", got=str(tuple(widths)), remedy="give as many of both"
        )
    return tuple(widths)
