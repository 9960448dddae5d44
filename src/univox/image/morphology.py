"""What becomes of a mask's pieces and holes: the steps by which a raw region is made whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from univox.types import SpacingMM

Mask = NDArray[np.bool_]


def components(mask: Mask) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the pieces of a mask that hang together across faces, edges or corners.

    Returns:
        The numbers (*spatial), 1..n, 0 outside the mask; and the voxels of each piece, (n,).

    >>> components(np.array([True, False, True, True]))[1].tolist()
    [1, 2]
    """
    numbered = np.zeros(mask.shape, dtype=np.int32)
    ndimage.label(mask, ndimage.generate_binary_structure(mask.ndim, mask.ndim), output=numbered)
    return numbered, np.bincount(numbered.ravel())[1:]


def largest_component(mask: Mask) -> Mask:
    """Keep the largest piece, of equals the first in array order; nothing of an empty mask.

    >>> largest_component(np.array([True, False, True, True])).astype(int).tolist()
    [0, 0, 1, 1]
    """
    numbered, sizes = components(mask)
    return numbered == 1 + int(sizes.argmax()) if sizes.size else np.zeros_like(mask)


def without_small(mask: Mask, least: int) -> Mask:
    """Keep the pieces of at least so many voxels.

    >>> without_small(np.array([True, False, True, True]), 2).astype(int).tolist()
    [0, 0, 1, 1]
    """
    numbered, sizes = components(mask)
    return np.concatenate([[False], sizes >= least])[numbered]


def filled(mask: Mask) -> Mask:
    """Fill what the mask encloses: what cannot reach the edge of the image across faces.

    >>> filled(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)).all()
    np.True_
    """
    return np.asarray(ndimage.binary_fill_holes(mask), dtype=bool)


def closed(mask: Mask, radius_mm: float, spacing_mm: SpacingMM) -> Mask:
    """Bridge gaps narrower than a ball: grown by its radius, then shrunk by it again.

    The mask never loses a voxel. Beyond the edge of the image lies nothing, as far as the ball reaches.

    Args:
        mask: (*spatial).
        radius_mm: Of the ball; 0 leaves the mask as it is.
        spacing_mm: Voxel edge per axis, array order.

    >>> closed(np.array([True, False, False, True]), 1.0, (1.0,)).astype(int).tolist()
    [1, 1, 1, 1]
    """
    if radius_mm <= 0 or not mask.any():
        return mask.copy()
    reach = [int(np.ceil(radius_mm / edge)) + 1 for edge in spacing_mm]
    padded = np.pad(mask, [(width, width) for width in reach])
    # Distances to the nearest voxel of a kind, rather than a ball that is slid over: as fast for any radius.
    grown = _distance(~padded, spacing_mm) <= radius_mm
    shrunk = _distance(grown, spacing_mm) > radius_mm
    return shrunk[tuple(slice(width, width + size) for width, size in zip(reach, mask.shape, strict=True))] | mask


def _distance(mask: Mask, spacing_mm: SpacingMM) -> NDArray[np.float64]:
    """Give each voxel's distance in mm to the nearest one outside the mask; 0 outside."""
    return np.asarray(ndimage.distance_transform_edt(mask, sampling=spacing_mm), dtype=np.float64)
