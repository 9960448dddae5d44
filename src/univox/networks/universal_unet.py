"""The 3D U2-Net of 2019: a residual U-Net of which several datasets share one trunk, and its basic form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from univox.errors import RecipeError
from univox.networks.blocks.by_dimension import Sizes, per_axis
from univox.networks.blocks.conv import Layers
from univox.networks.blocks.domain_adapter import (
    StandardUnit,
    Units,
    adapted_units,
    instance_normalized_layers,
    standard_units,
)
from univox.networks.blocks.initialize import initialize
from univox.networks.blocks.sizes import SizeRule

Kind = Literal["adapted", "standard"]
_SUPERVISED = (2, 1)
"""Decoder levels whose maps are added to the output."""


class UniversalUNet(nn.Module):
    """One dataset's network of the 3D U2-Net.

    A residual U-Net that doubles its width with every level, without a cap. With adapted units every
    convolution at stride 1 is divided: its channel-wise part belongs to the dataset, its point-wise part to all.
    With standard units it is the publication's basic network, of its independent and of its shared models
    alike: these differ in what datasets share, which `domain_state_names` tells, not in their layers. Strided
    convolutions are standard, and shared, in either. Input layer, output layer, deep supervision and
    normalization are always a dataset's own.

    Deep supervision adds its maps to the logits: a call returns their sum, in training too.

    Args:
        in_channels: Image channels.
        num_classes: Classes, background included.
        spatial_dims: 1, 2 or 3.
        pools: Halvings, one number or one per axis; a level is strided by 2 along an axis while its number is
            below that axis's. The largest is the number of levels below the first.
        width: Channels at full resolution.
        units: "adapted" (universal) or "standard" (independent, shared).

    Shape:
        image  (B, in_channels, *spatial), normalized float
        logits (B, num_classes, *spatial); each size divisible by 2 ** pools, and above that on some axis: instance
        norm has nothing to compare in a single voxel

    Raises:
        RecipeError: Pools that are negative, or nowhere; unknown units.
        ShapeError: At call, with axis, size and the next size that fits.

    Source: Huang et al., MICCAI 2019, Figs. 1, 2; where paper and released code differ, the code: 5 pools for
        128 voxels (text: 6), no residual connection in the decoder, strided convolutions shared, the second
        convolution of a decoder block of edge 1 in the basic and 3 in the universal network.

    >>> UniversalUNet(1, 3, spatial_dims=2, pools=(2, 3), width=4)(torch.zeros(1, 1, 16, 32)).shape
    torch.Size([1, 3, 16, 32])
    """

    encoder_parts: ClassVar[tuple[str, ...]] = ("stem", "encoder", "down")
    domain_parts: ClassVar[tuple[str, ...]] = ("stem", "output", "supervision")

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 3,
        pools: Sizes = 5,
        width: int = 16,
        units: Kind = "adapted",
    ) -> None:
        super().__init__()
        layers = instance_normalized_layers(spatial_dims)
        made = _units(units, layers=layers, spatial_dims=spatial_dims)
        halvings = per_axis(pools, spatial_dims)
        strides = pool_strides(halvings)
        widths = [width * 2**level for level in range(len(strides) + 1)]
        self.in_channels = in_channels
        steps = tuple(2**n for n in halvings)
        self.sizes = SizeRule(steps, cell=steps)
        self.stem = nn.Sequential(StandardUnit(in_channels, width, layers=layers), layers.activation())
        self.encoder = nn.ModuleList(ResidualUnits(channels, units=made, layers=layers) for channels in widths)
        self.down = nn.ModuleList(
            nn.Sequential(StandardUnit(channels, 2 * channels, layers=layers, stride=stride), layers.activation())
            for channels, stride in zip(widths, strides, strict=False)
        )
        # These three are in the order of levels, the finest first.
        self.up = nn.ModuleList(
            nn.Sequential(_repeated(stride), made.spatial(2 * channels, channels), layers.activation())
            for channels, stride in zip(widths, strides, strict=False)
        )
        self.decoder = nn.ModuleList(
            nn.Sequential(
                made.spatial(2 * channels, channels),
                layers.activation(),
                made.last(channels, channels),
                layers.activation(),
            )
            for channels in widths[:-1]
        )
        self.supervision = nn.ModuleDict(
            {
                str(level): nn.Sequential(
                    StandardUnit(widths[level], num_classes, layers=layers, kernel_size=1), layers.activation()
                )
                for level in _SUPERVISED
                if level < len(strides)
            }
        )
        self.enlarge = nn.ModuleList(_repeated(stride) for stride in strides)
        self.output = layers.convolution(width, num_classes, kernel_size=1, bias=True)
        initialize(self, "he")

    def forward(self, image: Tensor) -> Tensor:
        """Logits on the image's grid, the maps of the coarser levels added."""
        self.sizes.check(image, in_channels=self.in_channels)
        features = self.stem(image)
        skips: list[Tensor] = []
        for encode, down in zip(self.encoder, self.down, strict=False):
            skips.append(encode(features))
            features = down(skips[-1])
        features = self.encoder[-1](features)
        coarser: Tensor | None = None
        for level in reversed(range(len(skips))):
            features = self.decoder[level](torch.cat([self.up[level](features), skips[level]], dim=1))
            coarser = self._supervise(features, coarser, level=level)
        logits = self.output(features)
        return logits if coarser is None else logits + coarser

    def _supervise(self, features: Tensor, coarser: Tensor | None, *, level: int) -> Tensor | None:
        """The running sum of coarse maps, on the grid of the level above; of the finest level, as it is."""
        if str(level) not in self.supervision:
            return coarser
        scores = self.supervision[str(level)](features)
        return self.enlarge[level - 1](scores if coarser is None else scores + coarser)


class ResidualUnits(nn.Module):
    """Two units, an activation between them; add the input; activation.

    Shape:
        (B, channels, *spatial), unchanged

    Source: Huang et al., MICCAI 2019, released code.
    """

    def __init__(self, channels: int, *, units: Units, layers: Layers) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            units.spatial(channels, channels), layers.activation(), units.spatial(channels, channels)
        )
        self.activation = layers.activation()

    def forward(self, image: Tensor) -> Tensor:
        """Branch plus image, activated."""
        return self.activation(self.branch(image) + image)


def pool_strides(pools: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Give the strides of each level from the halvings of each axis: all halve at first, then those that still do.

    Raises:
        RecipeError: A negative number, or no halving at all.

    >>> pool_strides((1, 2, 2))
    ((2, 2, 2), (1, 2, 2))
    """
    if min(pools) < 0 or max(pools) == 0:
        raise RecipeError(
            expected="halvings from 0 on, at least one of them on some axis",
            got=f"pools = {tuple(pools)}",
            remedy="correct pools",
        )
    return tuple(tuple(2 if level < n else 1 for n in pools) for level in range(max(pools)))


def _repeated(stride: tuple[int, ...]) -> nn.Module:
    """Each voxel becomes a block of its copies."""
    return nn.Upsample(scale_factor=tuple(float(factor) for factor in stride), mode="nearest")


def _units(kind: str, *, layers: Layers, spatial_dims: int) -> Units:
    if kind not in get_args(Kind):
        raise RecipeError(expected=f"units of {', '.join(get_args(Kind))}", got=repr(kind), remedy="choose one of them")
    return adapted_units(layers, spatial_dims=spatial_dims) if kind == "adapted" else standard_units(layers)
