"""The attention 3D U-Net of 2022: a MobileNetV2 encoder, and decoders that see every map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.errors import RecipeError
from univox.networks.blocks.attention_gate import AttentionGate
from univox.networks.blocks.by_dimension import INTERPOLATION
from univox.networks.blocks.conv import Layers, centered_layers, convolved
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.inverted_residual import InvertedResidual
from univox.networks.blocks.sizes import SizeRule

_AVERAGES = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d, 3: nn.AdaptiveAvgPool3d}
_GROUPS = 8
"""Of group normalization, at most."""


class MultiSkipAttentionUNet(nn.Module):
    """U-Net with an encoder of inverted residuals, in which every decoder draws on all maps before it.

    A decoder resamples the encoder's maps, the bottom's and those of the decoders before it to its own grid,
    projects and joins them, and gates the result by the newest coarser map. Any side fits: a halved odd side is
    rounded up.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        stem_width: Channels behind the first convolution.
        widths: Channels per level; each level but the first halves the grid.
        repeats: Inverted residuals per level.
        expansion: Of every inverted residual but the first level's, which do not widen.
        decoder_width: Channels of every projection and decoder; half of them inside a gate.

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial)

    Raises:
        RecipeError: Widths and repeats of different length.
        ShapeError: At call, for an image that is a single voxel to the coarsest decoder, whose gate has nothing to
            normalize it by: 8 voxels or fewer on every axis by default.

    Source: Nodirov, Abdusalomov, Whangbo, Sensors 2022; layers as in the first author's later code, which is not
        that of the paper. The paper is said to leave open where the gate sits, what is resampled how, and the
        normalization: here the gate follows the fusion, maps go up by linear interpolation and down by averaging,
        and normalization is by groups.

    >>> network = MultiSkipAttentionUNet(1, 2, spatial_dims=2, widths=(4, 4, 4), repeats=(1, 1, 1))
    >>> network(torch.zeros(1, 1, 7, 10)).shape
    torch.Size([1, 2, 7, 10])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("stem", "encoder")
    domain_parts: ClassVar[tuple[str, ...]] = ("stem.0", "output")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        stem_width: int = 32,
        widths: Sequence[int] = (16, 24, 32, 64, 96),
        repeats: Sequence[int] = (1, 2, 3, 4, 3),
        expansion: int = 6,
        decoder_width: int = 64,
    ) -> None:
        super().__init__()
        _check(widths, repeats)
        layers = _group_normalized_layers(spatial_dims)
        clipped = replace(layers, activation=partial(nn.ReLU6, inplace=True))
        residual = partial(InvertedResidual, layers=clipped, spatial_dims=spatial_dims)
        bottom, steps = widths[-1], [(1, 1)] + [(2, expansion)] * (len(widths) - 1)
        self.in_channels = in_channels
        self.sizes = SizeRule((1,) * spatial_dims, cell=(_cell(widths, expansion),) * spatial_dims)
        self.stem = convolved(in_channels, stem_width, layers=clipped)
        self.encoder = nn.ModuleList(
            _level(i, o, count, make=partial(residual, expansion=widening), stride=stride)
            for i, o, count, (stride, widening) in zip((stem_width, *widths), widths, repeats, steps, strict=False)
        )
        self.bottom = nn.Sequential(
            *convolved(bottom, bottom, layers=layers), *convolved(bottom, bottom, layers=layers)
        )
        # From the coarsest to the finest, each with one map more to draw on.
        self.decoder = nn.ModuleList(
            MultiSkipDecoder(
                (*widths, bottom, *(decoder_width,) * number),
                decoder_width,
                layers=layers,
                mode=INTERPOLATION[spatial_dims],
            )
            for number in range(len(widths) - 1)
        )
        self.output = layers.convolution(decoder_width, num_classes, kernel_size=1, bias=True)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid."""
        self.sizes.check(image, in_channels=self.in_channels)
        maps = [self.stem(image)]
        for level in self.encoder:
            maps.append(level(maps[-1]))
        del maps[0]
        grids = [level.shape[2:] for level in maps]
        maps.append(self.bottom(maps[-1]))
        for decode, grid in zip(self.decoder, reversed(grids[:-1]), strict=True):
            maps.append(decode(maps, grid))
        return self.output(maps[-1])


class MultiSkipDecoder(nn.Module):
    """All maps on one grid, each projected, joined, convolved twice; gated by the last of them.

    Args:
        channels: Of each map.
        width: Channels of each projection, and out.
        layers: Where the parts come from.
        mode: Of the interpolation to a finer grid.

    Source: Nodirov et al., Sensors 2022; the first author's later code.
    """

    def __init__(self, channels: Sequence[int], width: int, *, layers: Layers, mode: str) -> None:
        super().__init__()
        self.mode = mode
        self.project = nn.ModuleList(layers.convolution(c, width, kernel_size=1) for c in channels)
        self.fuse = nn.Sequential(
            *convolved(len(channels) * width, width, layers=layers), *convolved(width, width, layers=layers)
        )
        self.gate = AttentionGate(
            width, channels[-1], width // 2, layers=layers, normalization=partial(nn.GroupNorm, 1)
        )

    def forward(self, maps: Sequence[Tensor], grid: torch.Size) -> Tensor:
        """Maps of any grids to one map on that grid."""
        pairs = zip(self.project, maps, strict=True)
        joined = torch.cat([self._project(project, level, grid) for project, level in pairs], dim=1)
        return self.gate(self.fuse(joined), enlarged(maps[-1], grid, mode=self.mode))

    def _project(self, project: nn.Module, image: Tensor, grid: torch.Size) -> Tensor:
        # A projection without bias and a resampling can trade places; the published order, resampling first, would
        # keep every channel of the coarse maps on the fine grid for the backward.
        if any(size > wanted for size, wanted in zip(image.shape[2:], grid, strict=True)):
            return project(averaged(image, grid))
        return enlarged(project(image), grid, mode=self.mode)


def averaged(image: Tensor, grid: torch.Size) -> Tensor:
    """Bring an image to a coarser grid: the mean over what each voxel covers, in part or wholly."""
    return _AVERAGES[len(grid)](grid)(image)


def enlarged(image: Tensor, grid: torch.Size, *, mode: str) -> Tensor:
    """Bring an image to a finer grid by linear interpolation; one that has it stays as it is."""
    if image.shape[2:] == grid:
        return image
    return functional.interpolate(image, size=list(grid), mode=mode, align_corners=False)


def group_norm(channels: int) -> nn.Module:
    """Group normalization of 8 groups, or the largest number below that divides the channels.

    >>> group_norm(12).num_groups
    6
    """
    return nn.GroupNorm(max(n for n in range(1, _GROUPS + 1) if channels % n == 0), channels)


def _group_normalized_layers(spatial_dims: int) -> Layers:
    return replace(centered_layers(spatial_dims), normalization=group_norm)


def _level(
    in_channels: int, out_channels: int, count: int, *, make: Callable[..., nn.Module], stride: int
) -> nn.Sequential:
    """Inverted residuals, the first of which strides."""
    rest = (make(out_channels, out_channels) for _ in range(count - 1))
    return nn.Sequential(make(in_channels, out_channels, stride=stride), *rest)


def _cell(widths: Sequence[int], expansion: int) -> int:
    """Voxels along one of the coarsest grid on which some channel is normalized by itself.

    The last channel of a gate is; those of a level are where there are no more of them than groups.
    """
    alone = min(widths[-1], expansion * widths[-2]) <= _GROUPS
    return 2 ** (len(widths) - (1 if alone else 2))


def _check(widths: Sequence[int], repeats: Sequence[int]) -> None:
    if len(widths) != len(repeats) or len(widths) < 2 or min(repeats) < 1:
        raise RecipeError(
            expected="as many repeats as widths, two levels and one repeat at least",
            got=f"widths {tuple(widths)}, repeats {tuple(repeats)}",
            remedy="give as many of both",
        )
