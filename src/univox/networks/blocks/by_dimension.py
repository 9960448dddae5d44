"""The layers that torch has one class of for each number of spatial axes, by that number."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from univox.errors import RecipeError

Sizes = int | Sequence[int]
"""One number for all spatial axes, or one per axis."""

CONVOLUTIONS: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED: dict[int, type[nn.Module]] = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
BATCH_NORMS: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
INSTANCE_NORMS: dict[int, type[nn.Module]] = {1: nn.InstanceNorm1d, 2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
MAX_POOLS: dict[int, type[nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
INTERPOLATION: dict[int, str] = {1: "linear", 2: "bilinear", 3: "trilinear"}
"""Modes of `torch.nn.functional.interpolate`."""


def check_spatial_dims(spatial_dims: int) -> None:
    """Raise RecipeError unless there are 1, 2 or 3 spatial axes."""
    if spatial_dims not in CONVOLUTIONS:
        raise RecipeError(expected="1, 2 or 3 spatial dimensions", got=str(spatial_dims), remedy="set spatial_dims")


def per_axis(sizes: Sizes, spatial_dims: int) -> tuple[int, ...]:
    """One number per spatial axis.

    >>> per_axis(2, 3), per_axis((1, 2, 2), 3)
    ((2, 2, 2), (1, 2, 2))
    """
    if isinstance(sizes, int):
        return (sizes,) * spatial_dims
    if len(sizes) != spatial_dims:
        raise RecipeError(
            expected=f"{spatial_dims} numbers, one per spatial axis",
            got=str(tuple(sizes)),
            remedy="give one number for each axis, or a single one for all",
        )
    return tuple(sizes)
