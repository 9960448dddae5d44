"""Orientation, spacing, and affines: from the axes of a file to the one grid and back.

Canonical array axes of a volume are (d, h, w): inferior to superior, posterior to anterior, left to
right. World coordinates are RAS+ mm, so array axis i runs along world axis 2 - i.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.errors import GeometryError
from univox.types import SpacingMM

Affine = NDArray[np.float64]
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Orientation:
    """How stored axes become canonical ones: canonical axis i is stored axis `permutation[i]`.

    Args:
        permutation: One stored axis per canonical axis.
        flips: Per canonical axis, whether the stored axis runs the other way.

    >>> turn = Orientation((1, 0), (False, True))
    >>> turn.to_canonical(np.array([[1, 2, 3], [4, 5, 6]])).tolist()
    [[4, 1], [5, 2], [6, 3]]
    """

    permutation: tuple[int, ...]
    flips: tuple[bool, ...]

    @classmethod
    def identity(cls, spatial_dims: int) -> Orientation:
        """Axes that already stand as (page, row, column)."""
        return cls(tuple(range(spatial_dims)), (False,) * spatial_dims)

    @classmethod
    def column_order(cls, spatial_dims: int) -> Orientation:
        """Axes stored fastest first (column, row, page), as medical formats do."""
        return cls(tuple(reversed(range(spatial_dims))), (False,) * spatial_dims)

    def to_canonical(self, array: NDArray) -> NDArray:
        """Turn the trailing axes of `array` (stored order) into canonical order; a view."""
        lead = array.ndim - len(self.permutation)
        turned = array.transpose(*range(lead), *(lead + axis for axis in self.permutation))
        return turned[self._flip()]

    def to_stored(self, array: NDArray) -> NDArray:
        """Turn the trailing axes of `array` (canonical order) back into stored order; a view."""
        lead = array.ndim - len(self.permutation)
        back = np.argsort(self.permutation)
        return array[self._flip()].transpose(*range(lead), *(lead + int(axis) for axis in back))

    def shape_to_canonical(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Sizes in canonical order, from sizes in stored order."""
        return tuple(int(shape[axis]) for axis in self.permutation)

    def _flip(self) -> tuple[Any, ...]:
        return (..., *(slice(None, None, -1 if flip else None) for flip in self.flips))


def orientation_of(affine: Affine) -> Orientation:
    """Turn that brings the stored axes of a volume nearest to the canonical ones.

    The choice is the same for every axis order and flip of one case, ties (45 degrees) included.

    Args:
        affine: (4, 4), stored index to RAS+ mm, columns independent.

    >>> orientation_of(np.diag([-1.0, 1.0, 2.0, 1.0]))
    Orientation(permutation=(2, 1, 0), flips=(False, False, True))
    """
    columns = affine[:3, :3]
    cosines = columns / np.linalg.norm(columns, axis=0)

    def preference(permutation: tuple[int, ...]) -> tuple[float, ...]:
        turned = cosines[:, permutation]
        along = turned[[2, 1, 0], [0, 1, 2]]
        signed = turned * np.where(along < 0, -1.0, 1.0)
        # The sum decides; the columns themselves break a tie in a way that no stored order can change.
        return (round(float(np.abs(along).sum()), 6), *np.round(signed, 6).ravel().tolist())

    best = max(itertools.permutations(range(3)), key=preference)
    flips = tuple(bool(columns[2 - axis, stored] < 0) for axis, stored in enumerate(best))
    return Orientation(best, flips)


def turned_affine(affine: Affine, shape: Sequence[int], orientation: Orientation) -> Affine:
    """Affine of the turned array.

    Args:
        affine: (n + 1, n + 1), stored index to mm.
        shape: Stored sizes.
        orientation: The turn.
    """
    dims = len(shape)
    index = np.zeros((dims + 1, dims + 1))
    index[dims, dims] = 1.0
    for axis, (stored, flip) in enumerate(zip(orientation.permutation, orientation.flips, strict=True)):
        index[stored, axis] = -1.0 if flip else 1.0
        index[stored, dims] = shape[stored] - 1.0 if flip else 0.0
    return affine @ index


def snapped_affine(affine: Affine) -> Affine:
    """Round an affine to what a header can carry, so that flips of one case agree to the last bit.

    A header in single precision rounds the corner that it names, and each flip names another corner. The
    edges keep 6 digits; the origin goes to about a thousandth of a voxel.
    """
    dims = affine.shape[0] - 1
    decade = math.ceil(math.log10(float(np.linalg.norm(affine[:dims, :dims], axis=0).min())) - 1e-4)
    snapped = np.eye(dims + 1)
    snapped[:dims, :dims] = np.round(affine[:dims, :dims], 6 - decade)
    step = 10.0 ** (decade - 3)
    # The threshold is an odd fraction, not one half: origins are often short decimals or binary fractions,
    # and these must not lie where rounding turns.
    snapped[:dims, dims] = np.round(np.floor(affine[:dims, dims] / step + 0.6234) * step, 3 - decade)
    return snapped + 0.0  # no negative zeros


def spacing_of(affine: Affine) -> SpacingMM:
    """Voxel edges in mm per array axis, to 6 significant digits.

    >>> spacing_of(np.diag([2.0, 0.5, 1.0]))
    (2.0, 0.5)
    """
    dims = affine.shape[0] - 1
    edges = np.linalg.norm(affine[:dims, :dims], axis=0)
    return tuple(float(f"{edge:.6g}") for edge in edges)


def affine_from_spacing(spacing_mm: Sequence[float]) -> Affine:
    """Affine of a canonical array with its first voxel at the origin.

    Args:
        spacing_mm: Array order, 2 or 3 values.

    Returns:
        (h, w) to (y, x) mm in 2-D; (d, h, w) to RAS+ (x, y, z) mm in 3-D.
    """
    dims = len(spacing_mm)
    affine = np.diag([*spacing_mm, 1.0]).astype(np.float64)
    if dims == 3:
        affine[:3] = affine[2::-1]
    return affine


def check_affine(affine: Affine, path: Path | None = None) -> None:
    """Refuse an affine that maps voxels nowhere.

    Raises:
        GeometryError: A value is not finite, an edge is zero, or axes coincide.
    """
    dims = affine.shape[0] - 1
    edges = np.linalg.norm(affine[:dims, :dims], axis=0)
    if not np.isfinite(affine).all():
        got = "an affine that is not finite"
    elif (edges <= 0).any():
        got = "a voxel edge of zero length"
    elif abs(np.linalg.det(affine[:dims, :dims] / edges)) < 1e-4:
        got = "axes that coincide"
    else:
        return
    raise GeometryError(
        expected="a finite affine with voxel edges longer than zero",
        got=got,
        remedy="mend the header with the geometry of the scan",
        path=path,
    )


def ras_to_itk(affine: Affine) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    """Split a RAS+ affine into ITK's spacing, direction (row by row) and origin, in LPS."""
    lps = LPS_TO_RAS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    direction = lps[:3, :3] / spacing
    return tuple(spacing.tolist()), tuple(direction.ravel().tolist()), tuple(lps[:3, 3].tolist())


def itk_to_ras(spacing: Sequence[float], direction: Sequence[float], origin: Sequence[float]) -> Affine:
    """Join ITK's spacing, direction (row by row) and origin, in LPS, into a RAS+ affine."""
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(direction, (3, 3)) * np.asarray(spacing)
    lps[:3, 3] = origin
    return LPS_TO_RAS @ lps
