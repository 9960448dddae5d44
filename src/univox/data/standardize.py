"""Standardization per patch and channel, the same bits whatever the batch and the number of threads."""

from __future__ import annotations

import math

import torch

from univox.errors import ShapeError


def standardize(image: torch.Tensor, *, spatial_dims: int | None = None) -> torch.Tensor:
    """Give each patch and channel mean 0 and deviation 1; a nearly constant one is not blown up.

    Args:
        image: Floating, (*leading, *spatial), usually (B, C, D, H, W).
        spatial_dims: Trailing axes that make up a patch; all but the first two when left out.

    Returns:
        (x - mean) / max(sd, 1 / sqrt(N)), N being the voxels of a patch.

    Raises:
        ShapeError: There is no spatial axis.

    Source: Wang et al., AAAI 2020, released data path.

    >>> standardize(torch.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.,  1.]]])
    """
    dims = image.ndim - 2 if spatial_dims is None else spatial_dims
    mean, deviation = moments(image, spatial_dims=dims)
    voxels = math.prod(image.shape[image.ndim - dims :])
    return (image - mean) / deviation.clamp_min(1.0 / math.sqrt(voxels))


def moments(image: torch.Tensor, *, spatial_dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and (population) standard deviation over the trailing axes, kept as axes of size 1.

    Args:
        image: Floating, (*leading, *spatial).
        spatial_dims: Trailing axes to go over.

    Raises:
        ShapeError: `spatial_dims` is not in 1..image.ndim.
    """
    if not 1 <= spatial_dims <= image.ndim:
        raise ShapeError(
            expected="a tensor with leading and spatial axes",
            got=f"shape {tuple(image.shape)} with {spatial_dims} spatial axes",
            remedy="pass (B, C, *spatial), or say how many trailing axes are spatial",
        )
    mean = _mean(image, spatial_dims)
    variance = _mean((image - mean).square(), spatial_dims)
    return mean, variance.sqrt()


def _mean(image: torch.Tensor, spatial_dims: int) -> torch.Tensor:
    # A sum of many numbers to a single one is split among torch's threads and rounds by their count.
    # Axis after axis it never is: the same bits on one thread and on many.
    total = image
    for _ in range(spatial_dims):
        total = total.sum(dim=-1)
    voxels = math.prod(image.shape[image.ndim - spatial_dims :])
    return (total / voxels).reshape(*total.shape, *(1,) * spatial_dims)
