"""Layers that mix the channels of each voxel, with neighbors reached by shifting channels along an axis."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.networks.blocks.by_dimension import BATCH_NORMS, CONVOLUTIONS, check_spatial_dims
from univox.networks.blocks.channel_norm import ChannelNorm
from univox.networks.blocks.depthwise import ChannelwiseConvolution

CHUNKS = 5
"""Groups of channels, which move by -2 to 2 voxels."""


def shift_channels(image: Tensor, axes: Sequence[int]) -> Tensor:
    """Move groups of channels along axes, each by its own number of voxels.

    Channels are cut into 5 chunks of equal size, the last one shorter where 5 does not divide; chunk j moves
    j - 2 voxels. Zeros enter, and what leaves is lost.

    Args:
        image: (B, C, *spatial).
        axes: Along each of which all chunks move.

    >>> shift_channels(torch.tensor([[[1.0, 2, 3]] * 5]), [2])[0].tolist()
    [[3.0, 0.0, 0.0], [2.0, 3.0, 0.0], [1.0, 2.0, 3.0], [0.0, 1.0, 2.0], [0.0, 0.0, 1.0]]
    """
    chunks = image.chunk(CHUNKS, dim=1)
    for axis in axes:
        chunks = [_moved(chunk, axis, steps) for steps, chunk in enumerate(chunks, start=-(CHUNKS // 2))]
    return torch.cat(list(chunks), dim=1)


def _moved(image: Tensor, axis: int, steps: int) -> Tensor:
    if abs(steps) >= image.shape[axis]:
        return torch.zeros_like(image)
    # functional.pad counts axes from the last to the first; a negative number crops.
    return functional.pad(image, (0, 0) * (image.ndim - 1 - axis) + (steps, -steps))


class ShiftedMLP(nn.Module):
    """Two layers over channels with a depthwise convolution between them; channels are shifted before each.

    Before the first layer channels move along every axis but the last, before the second along the last.

    Args:
        channels: In, between and out.
        spatial_dims: 1, 2 or 3.

    Shape:
        (B, channels, *spatial), unchanged

    Source: Valanarasu, Patel, MICCAI 2022; layers of the released code jeya-maria-jose/UNeXt-pytorch. The axes of
        forms other than 2-D are inferred.
    """

    def __init__(self, channels: int, *, spatial_dims: int) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        self.axes_first, self.axes_second = tuple(range(2, spatial_dims + 1)), (spatial_dims + 1,)
        self.normalization = ChannelNorm(channels)
        self.first = CONVOLUTIONS[spatial_dims](channels, channels, 1)
        self.local = ChannelwiseConvolution(channels, spatial_dims=spatial_dims, bias=True)
        self.activation = nn.GELU()
        self.second = CONVOLUTIONS[spatial_dims](channels, channels, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Image plus what was mixed."""
        return image + self.mix(self.normalization(image))

    def mix(self, image: Tensor) -> Tensor:
        """Shift, layer, convolve, activate; shift and layer again."""
        mixed = self.activation(self.local(self.first(shift_channels(image, self.axes_first))))
        return self.second(shift_channels(mixed, self.axes_second))


class LocalShiftedMLP(ShiftedMLP):
    """A `ShiftedMLP` with a depthwise convolution of edge 5 beside it, normalized and activated.

    Source: a stand-in for the block of Zhang, Niu, Bioengineering 2023, of which only the purpose was at hand: context
        with local information kept. The layers are this project's choice.
    """

    def __init__(self, channels: int, *, spatial_dims: int) -> None:
        super().__init__(channels, spatial_dims=spatial_dims)
        self.context = nn.Sequential(
            ChannelwiseConvolution(channels, spatial_dims=spatial_dims, kernel_size=5),
            BATCH_NORMS[spatial_dims](channels),
            nn.GELU(),
        )

    def mix(self, image: Tensor) -> Tensor:
        """What a `ShiftedMLP` mixes plus what the convolution sees."""
        return super().mix(image) + self.context(image)
