"""Up-sampling by linear interpolation, as a fixed rule and as the start of a learned transposed convolution."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from univox.networks.blocks.by_dimension import INTERPOLATION, TRANSPOSED


def bilinear_kernel(factor: int, spatial_dims: int) -> Tensor:
    """Give the kernel, 2 `factor` voxels wide, of the transposed convolution that interpolates: a product of triangles.

    Args:
        factor: Even; by which sizes grow, the stride of the convolution.
        spatial_dims: 1, 2 or 3.

    Source: Long, Shelhamer, Darrell, CVPR 2015, released code.

    >>> bilinear_kernel(2, 1).tolist()
    [0.25, 0.75, 0.75, 0.25]
    """
    places = torch.arange(2 * factor, dtype=torch.float64)
    triangle = 1 - (places - (factor - 0.5)).abs() / factor
    kernel = torch.ones(())
    for _ in range(spatial_dims):
        kernel = kernel[..., None] * triangle.float()
    return kernel


class BilinearUpSampling(nn.Module):
    """Interpolates linearly between voxels, and towards zero beyond the border.

    It is the transposed convolution with `bilinear_kernel` for each channel by itself, of which half the overlap
    is cut on every side, computed without that kernel: in 3-D it would have (2 factor) ** 3 numbers.

    Shape:
        (B, C, *spatial) -> (B, C, *spatial * factor)
    """

    def __init__(self, factor: int, spatial_dims: int) -> None:
        super().__init__()
        self.factor = factor
        self.mode = INTERPOLATION[spatial_dims]

    def forward(self, image: Tensor) -> Tensor:
        """Every size multiplied."""
        # One voxel of zeros on each side is the neighbor that the transposed convolution sees there.
        shape = image.shape[2:]
        widened = functional.pad(image, (1, 1) * len(shape))
        grown = functional.interpolate(
            widened, size=[size * self.factor for size in widened.shape[2:]], mode=self.mode, align_corners=False
        )
        for axis, size in enumerate(shape, start=2):
            grown = grown.narrow(axis, self.factor, size * self.factor)
        return grown


class LearnedUpSampling(nn.Module):
    """A transposed convolution over scores that begins as `BilinearUpSampling` and is learned.

    Its channels are the classes: it belongs to a dataset.

    Shape:
        (B, channels, *spatial) -> (B, channels, *spatial * factor)
    """

    of_domain = True

    def __init__(self, channels: int, factor: int, spatial_dims: int) -> None:
        super().__init__()
        self.factor, self.spatial_dims = factor, spatial_dims
        self.convolution = TRANSPOSED[spatial_dims](
            channels, channels, 2 * factor, stride=factor, padding=factor // 2, bias=False
        )
        self.start()

    def start(self) -> None:
        """Set the kernel to interpolation of each channel by itself."""
        weight = cast(Tensor, self.convolution.weight)
        kernel = bilinear_kernel(self.factor, self.spatial_dims)
        with torch.no_grad():
            weight.zero_()
            for channel in range(weight.shape[0]):
                weight[channel, channel] = kernel

    def forward(self, image: Tensor) -> Tensor:
        """Every size multiplied."""
        return self.convolution(image)
