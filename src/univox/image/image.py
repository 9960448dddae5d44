"""Images and labels: an array on the one grid, and how it lay in its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from univox.errors import LabelError, ShapeError
from univox.image.affine import (
    Affine,
    Orientation,
    affine_from_spacing,
    check_affine,
    snapped_affine,
    spacing_of,
    turned_affine,
)
from univox.types import SpacingMM, SpatialShape

WORLD_TOLERANCE = 1e-3
"""Grids agree when no corner is farther off than this part of the smallest voxel edge."""


@dataclass(frozen=True, eq=False)
class StoredGrid:
    """How a file lays its voxels out; enough to write a label on the same grid.

    Args:
        format: "nifti", "analyze", "itk", "raster", or "array" for what was never a file.
        shape: Spatial sizes in stored order.
        affine: Stored index to RAS+ mm (2-D: to (y, x) mm), at the precision of the file.
        orientation: Stored axes to canonical ones.
        oriented: Whether the file says how the voxels lie in the body.
        header: Facts of the format, to be written back as they came.
    """

    format: str
    shape: SpatialShape
    affine: Affine
    orientation: Orientation
    oriented: bool = True
    header: Mapping[str, object] = field(default_factory=dict[str, object])

    @classmethod
    def of_array(cls, affine: Affine, shape: Sequence[int], *, oriented: bool = True) -> StoredGrid:
        """Grid of a canonical array that was never a file."""
        return cls("array", tuple(shape), affine, Orientation.identity(len(shape)), oriented)

    @property
    def spatial_shape(self) -> SpatialShape:
        """Sizes in canonical order."""
        return self.orientation.shape_to_canonical(self.shape)

    @property
    def exact_affine(self) -> Affine:
        """Canonical index to mm, with every digit of the file."""
        return turned_affine(self.affine, self.shape, self.orientation)

    @property
    def canonical_affine(self) -> Affine:
        """Canonical index to mm, the same for every axis order and flip of one case."""
        return snapped_affine(self.exact_affine)

    def in_column_order(self) -> StoredGrid:
        """Give the same grid with axes stored fastest first, for formats that want them so."""
        turn = Orientation.column_order(len(self.shape))
        shape = tuple(reversed(self.spatial_shape))
        return replace(
            self,
            format="array",
            shape=shape,
            affine=turned_affine(self.exact_affine, self.spatial_shape, turn),
            orientation=turn,
            header={},
        )


class _OnGrid:
    """What images, labels and geometries have in common."""

    affine: Affine
    stored: StoredGrid

    @property
    def spatial_shape(self) -> SpatialShape:
        """(D, H, W) or (H, W)."""
        return self.stored.spatial_shape

    @property
    def spatial_dims(self) -> int:
        """2 or 3."""
        return len(self.stored.shape)

    @property
    def spacing_mm(self) -> SpacingMM:
        """Voxel edges in mm, array order, 6 significant digits."""
        return spacing_of(self.affine)


@dataclass(frozen=True, eq=False)
class Geometry(_OnGrid):
    """The grid of a file, without its voxels.

    Args:
        affine: Canonical index to mm.
        stored: How the file lies on disk.
        num_channels: Channels in the file.
    """

    affine: Affine
    stored: StoredGrid
    num_channels: int


@dataclass(frozen=True, eq=False)
class Image(_OnGrid):
    """Channels of intensities on the canonical grid.

    Args:
        array: (C, D, H, W) or (C, H, W).
        affine: (n + 1, n + 1), index (d, h, w) to RAS+ mm; in 2-D (h, w) to (y, x) mm.
        channel_names: One per channel.
        stored: How the file lies on disk.

    Raises:
        ShapeError: Array, grid and names do not fit together.
    """

    array: NDArray
    affine: Affine
    channel_names: tuple[str, ...]
    stored: StoredGrid

    def __post_init__(self) -> None:
        _check_shape(self.array.shape[1:], self.stored)
        if self.array.shape[0] != len(self.channel_names):
            raise ShapeError(
                expected=f"{len(self.channel_names)} channels ({', '.join(self.channel_names)})",
                got=f"{self.array.shape[0]}",
                remedy="name every channel once",
            )

    @classmethod
    def from_array(
        cls,
        array: ArrayLike,
        *,
        spacing_mm: Sequence[float] | None = None,
        affine: ArrayLike | None = None,
        channel_names: Sequence[str] | None = None,
    ) -> Image:
        """Make an image of a canonical array that was never a file.

        Args:
            array: (C, D, H, W) or (C, H, W).
            spacing_mm: Voxel edges, array order; 1 mm when neither this nor `affine` is given.
            affine: Canonical index to mm; instead of `spacing_mm`.
            channel_names: One per channel.

        >>> Image.from_array(np.zeros((1, 4, 5, 6)), spacing_mm=(3, 2, 1)).spacing_mm
        (3.0, 2.0, 1.0)
        """
        array = np.asarray(array)
        grid = _grid_of_array(array.shape[1:], spacing_mm, affine)
        names = default_channel_names(array.shape[0]) if channel_names is None else tuple(channel_names)
        return cls(array, grid.canonical_affine, names, grid)

    @property
    def num_channels(self) -> int:
        """Channels, the first axis of the array."""
        return len(self.channel_names)


@dataclass(frozen=True, eq=False)
class Label(_OnGrid):
    """Integer class map on the canonical grid.

    Args:
        array: (D, H, W) or (H, W), integer.
        affine: As for `Image`.
        stored: How the file lies on disk.

    Raises:
        ShapeError: Array and grid do not fit together.
        LabelError: The array is not of integers.
    """

    array: NDArray
    affine: Affine
    stored: StoredGrid

    def __post_init__(self) -> None:
        _check_shape(self.array.shape, self.stored)
        if self.array.dtype.kind not in "iu":
            raise LabelError(
                expected="an integer label array",
                got=str(self.array.dtype),
                remedy="convert it with array.astype(int)",
            )

    @classmethod
    def from_array(
        cls,
        array: ArrayLike,
        *,
        spacing_mm: Sequence[float] | None = None,
        affine: ArrayLike | None = None,
    ) -> Label:
        """Make a label of a canonical array that was never a file; arguments as `Image.from_array`."""
        array = np.asarray(array)
        grid = _grid_of_array(array.shape, spacing_mm, affine)
        return cls(array, grid.canonical_affine, grid)

    @property
    def num_channels(self) -> int:
        """Always 1."""
        return 1


def default_channel_names(num_channels: int) -> tuple[str, ...]:
    """Names for channels that nobody named.

    >>> default_channel_names(2)
    ('channel_0', 'channel_1')
    """
    return tuple(f"channel_{index}" for index in range(num_channels))


def grid_difference(a: Image | Label | Geometry, b: Image | Label | Geometry) -> str | None:
    """Say in words how two grids differ; None where they agree within a thousandth of a voxel."""
    if a.spatial_shape != b.spatial_shape:
        return f"shapes {_times(a.spatial_shape)} and {_times(b.spatial_shape)}"
    dims = a.spatial_dims
    # Distances grow linearly, so the farthest voxel is a corner.
    corners = np.indices((2,) * dims).reshape(dims, -1) * (np.array(a.spatial_shape)[:, None] - 1)
    corners = np.vstack([corners, np.ones(corners.shape[1])])
    gap = (a.stored.exact_affine - b.stored.exact_affine) @ corners
    farthest = float(np.linalg.norm(gap, axis=0).max())
    if farthest <= WORLD_TOLERANCE * min(a.spacing_mm):
        return None
    if not np.allclose(a.spacing_mm, b.spacing_mm, rtol=1e-4):
        return f"spacings {_times(a.spacing_mm)} and {_times(b.spacing_mm)} mm"
    return f"positions that differ by up to {farthest:.4g} mm"


def world_aligned(a: Image | Label | Geometry, b: Image | Label | Geometry) -> bool:
    """Whether two grids agree in shape and in the place of every voxel, to a thousandth of a voxel."""
    return grid_difference(a, b) is None


def _grid_of_array(shape: Sequence[int], spacing_mm: Sequence[float] | None, affine: ArrayLike | None) -> StoredGrid:
    dims = len(shape)
    if dims not in (2, 3):
        raise ShapeError(expected="2 or 3 spatial axes", got=f"{dims}", remedy="add or drop an axis")
    if affine is None:
        spacing = (1.0,) * dims if spacing_mm is None else tuple(float(edge) for edge in spacing_mm)
        matrix = affine_from_spacing(spacing)
    else:
        matrix = np.array(affine, dtype=np.float64)
    if matrix.shape != (dims + 1, dims + 1):
        raise ShapeError(
            expected=f"an affine of {dims + 1} x {dims + 1}, or {dims} spacing values",
            got=f"{matrix.shape[0]} x {matrix.shape[1]}, for {dims} spatial axes",
            remedy="give one spacing value per spatial axis",
        )
    check_affine(matrix)
    return StoredGrid.of_array(matrix, shape, oriented=dims == 3)


def _check_shape(shape: Sequence[int], stored: StoredGrid) -> None:
    if tuple(shape) != stored.spatial_shape:
        raise ShapeError(
            expected=f"spatial shape {_times(stored.spatial_shape)}",
            got=_times(shape) or "none",
            remedy="keep array and grid together",
        )


def _times(values: Sequence[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)
