"""How large a patch, how many of them, and how often a network halves them."""

from __future__ import annotations

import itertools
import math
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from univox.errors import RecipeError
from univox.types import SpacingMM, SpatialShape

PositiveInt = Annotated[int, Field(ge=1)]
Strides: TypeAlias = tuple[tuple[int, ...], ...]
"""One tuple per down-sampling, finest first; 2 where the axis is halved, else 1."""

DEFAULT_PATCH_VOXELS = {2: 65_536, 3: 49_152}
"""By spatial_dims: 256 x 256, and 32 x 48 x 32."""
PATCHES_PER_BATCH = 8
"""Default patches that fill the voxel budget of a batch."""
SMALLEST_BATCH = 2
"""Batch normalization has nothing to compare in a batch of one."""
SMALLEST_EDGE = 4
"""Voxels that an axis keeps after halving."""
HALVING_RATIO = 2.0
"""An axis waits while its spacing is this many times the finest."""
OVER_BUDGET = 1.1
"""A patch may exceed its voxels by this factor: edges come in steps."""


class PatchSizes(BaseModel):
    """What a recipe says about the size of patches and batches; `auto` is decided by the plan.

    Attributes:
        patch_size: Voxels per axis; one number stands for all axes.
        batch_size: Patches per batch.
        patch_voxels: Voxels in an `auto` patch, about.
        levels: Down-samplings, at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    patch_size: Literal["auto"] | PositiveInt | tuple[PositiveInt, ...] = "auto"
    batch_size: Literal["auto"] | PositiveInt = "auto"
    patch_voxels: Literal["auto"] | PositiveInt = "auto"
    levels: int = Field(default=3, ge=0)

    def edges(self, spatial_dims: int) -> SpatialShape | None:
        """Give the stated patch, one edge per axis, or None where the plan decides.

        Raises:
            RecipeError: Another number of edges than axes.
        """
        if self.patch_size == "auto":
            return None
        if isinstance(self.patch_size, int):
            return (self.patch_size,) * spatial_dims
        if len(self.patch_size) != spatial_dims:
            raise RecipeError(
                expected=f"{spatial_dims} edges at patches.patch_size, or one for all axes",
                got=f"{list(self.patch_size)}",
                remedy="state one edge per axis in array order, or auto",
            )
        return self.patch_size

    def voxels(self, spatial_dims: int) -> int:
        """Give the voxels of an `auto` patch."""
        return DEFAULT_PATCH_VOXELS[spatial_dims] if self.patch_voxels == "auto" else self.patch_voxels


def ideal_edges(shape: SpatialShape, voxels: int) -> tuple[float, ...]:
    """Scale a shape to a number of voxels, unrounded; a smaller shape stays as it is.

    >>> ideal_edges((100, 100), 2500), ideal_edges((10, 10), 2500)
    ((50.0, 50.0), (10.0, 10.0))
    """
    scale = min(1.0, (voxels / math.prod(shape)) ** (1 / len(shape)))
    return tuple(size * scale for size in shape)


def plan_strides(edges: tuple[float, ...], spacing_mm: SpacingMM, levels: int) -> Strides:
    """Decide which axes each down-sampling halves.

    An axis is halved while it keeps `SMALLEST_EDGE` voxels, and while its spacing lies within a factor of
    two of the finest among the axes that can still be halved: thick slices wait until the plane has caught
    up, so that voxels become as good as cubic.

    Args:
        edges: Voxels per axis that the network sees (a patch), not necessarily whole.
        spacing_mm: Of these voxels.
        levels: Down-samplings, at most; those that would halve nothing are left out.

    >>> plan_strides((16, 128, 128), (5.0, 1.0, 1.0), 3)
    ((1, 2, 2), (1, 2, 2), (2, 2, 2))
    >>> plan_strides((16, 24, 16), (1.0, 1.0, 1.0), 3)
    ((2, 2, 2), (2, 2, 2))
    """
    units = [1] * len(edges)
    strides: list[tuple[int, ...]] = []
    for _ in range(levels):
        # Rounded, since the patch will be: 31 voxels become 32 when they must be divisible by 4.
        halved = [math.floor(edge / (2 * unit) + 0.5) for edge, unit in zip(edges, units, strict=True)]
        able = [edge >= SMALLEST_EDGE for edge in halved]
        if not any(able):
            break
        spacing = [edge_mm * unit for edge_mm, unit in zip(spacing_mm, units, strict=True)]
        finest = min(itertools.compress(spacing, able))
        level = tuple(
            2 if can and edge_mm < HALVING_RATIO * finest * (1 - 1e-6) else 1
            for can, edge_mm in zip(able, spacing, strict=True)
        )
        units = [unit * stride for unit, stride in zip(units, level, strict=True)]
        strides.append(level)
    return tuple(strides)


def total_strides(strides: Strides, spatial_dims: int) -> tuple[int, ...]:
    """Multiply the strides of all levels: what a patch edge must be a multiple of.

    >>> total_strides(((1, 2, 2), (2, 2, 2)), 3)
    (2, 4, 4)
    """
    return tuple(math.prod(level[axis] for level in strides) for axis in range(spatial_dims))


def plan_patch_size(shape: SpatialShape, multiples: tuple[int, ...], voxels: int) -> SpatialShape:
    """Choose the box of about `voxels` voxels that is most like a shape.

    Args:
        shape: Median shape of the prepared images.
        multiples: Each edge is a multiple of its axis's, and at least one.
        voxels: Sought; exceeded by a tenth at most, save where one multiple per axis exceeds it.

    Returns:
        Edges, none above the shape rounded up to its multiple.

    >>> plan_patch_size((36, 50, 35), (8, 8, 8), 49_152)
    (32, 48, 32)
    >>> plan_patch_size((20, 20, 20), (8, 8, 8), 49_152)
    (24, 24, 24)
    """
    largest = tuple(math.ceil(size / step) * step for size, step in zip(shape, multiples, strict=True))
    if math.prod(largest) <= voxels:
        return largest
    ideal = _bounded_edges(shape, voxels, lowest=multiples, highest=largest)
    choices = [_neighbors(edge, step, highest) for edge, step, highest in zip(ideal, multiples, largest, strict=True)]
    boxes = list(itertools.product(*choices))
    fitting = [box for box in boxes if math.prod(box) <= OVER_BUDGET * voxels]
    if not fitting:
        return min(boxes, key=math.prod)

    def unlikeness(box: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        squares = (math.log(edge / wanted) ** 2 for edge, wanted in zip(box, ideal, strict=True))
        # Equally good boxes (a cube's) are told apart by their edges: the longer ones lie in the plane.
        return round(sum(squares), 9), box

    return min(fitting, key=unlikeness)


def plan_batch_size(patch_size: SpatialShape) -> int:
    """Fill the voxel budget of a batch, which is `PATCHES_PER_BATCH` default patches.

    >>> plan_batch_size((32, 48, 32)), plan_batch_size((128, 128, 128))
    (8, 2)
    """
    budget = PATCHES_PER_BATCH * DEFAULT_PATCH_VOXELS[len(patch_size)]
    return max(SMALLEST_BATCH, budget // math.prod(patch_size))


def _bounded_edges(
    shape: SpatialShape, voxels: int, *, lowest: tuple[int, ...], highest: tuple[int, ...]
) -> tuple[float, ...]:
    # The voxels grow with the scale, so the scale that gives `voxels` is found by halving its interval.
    def edges(scale: float) -> tuple[float, ...]:
        bounds = zip(shape, lowest, highest, strict=True)
        return tuple(min(max(size * scale, low), high) for size, low, high in bounds)

    small, large = 0.0, float(max(highest))
    for _ in range(60):
        middle = (small + large) / 2
        if math.prod(edges(middle)) > voxels:
            large = middle
        else:
            small = middle
    return edges(small)


def _neighbors(edge: float, step: int, highest: int) -> list[int]:
    below = math.floor(edge / step)
    steps = range(max(1, below - 1), below + 3)
    return [count * step for count in steps if count * step <= highest]
