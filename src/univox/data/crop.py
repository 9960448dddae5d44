"""The box of an image that is worth looking at."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = tuple[tuple[int, int], ...]
"""(start, stop) per axis, array order."""


def crop_box(array: NDArray[np.generic], crop: Literal["nonzero", "nonzero-first-channel", "none"]) -> Box:
    """Find the box to keep.

    Args:
        array: (C, *spatial).
        crop: `nonzero` is the smallest box with every voxel that is not zero in any channel,
            `nonzero-first-channel` looks at the first channel only, `none` keeps everything.

    Returns:
        The box; the whole image where all is zero, so never an empty one.

    >>> crop_box(np.array([[[0, 0, 0], [0, 7, 7]]]), "nonzero")
    ((1, 2), (1, 3))
    """
    spatial_shape = array.shape[1:]
    whole = tuple((0, size) for size in spatial_shape)
    if crop == "none":
        return whole
    channels = array[:1] if crop == "nonzero-first-channel" else array
    nonzero = np.zeros(spatial_shape, dtype=bool)
    for channel in channels:
        nonzero |= channel != 0
    box: list[tuple[int, int]] = []
    for axis in range(nonzero.ndim):
        others = tuple(other for other in range(nonzero.ndim) if other != axis)
        occupied = np.flatnonzero(nonzero.any(axis=others))
        if occupied.size == 0:
            return whole
        box.append((int(occupied[0]), int(occupied[-1]) + 1))
    return tuple(box)


def box_slices(box: Box) -> tuple[slice, ...]:
    """Give the slices that cut a box out of the spatial axes."""
    return tuple(slice(start, stop) for start, stop in box)
