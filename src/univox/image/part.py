"""A part of an image: fewer voxels, each where it was in the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from univox.errors import ShapeError
from univox.image.image import Image, StoredGrid

SHIFTED_FIELDS = ("srow_x", "srow_y", "srow_z", "qoffset_x", "qoffset_y", "qoffset_z")
"""What of a NIfTI header says where the first voxel lies."""
QUATERNION_TOLERANCE = 1e-6
"""A quaternion longer than 1 by more is none; the reader has used the other transform."""


def image_part(image: Image, axis: int, start: int, stop: int) -> Image:
    """Give the voxels `start` to `stop` (without it) of one axis; their world coordinates stay as they were.

    A file that does not say how it lies in the body has no such coordinates: each part of it begins at 0 again.

    Args:
        image: On any stored grid; the part is stored in the same order and direction of axes.
        axis: Of the canonical array, without the channels.
        start: First position that is kept.
        stop: First position behind it that is not.

    Raises:
        ShapeError: The image has no such axis, or no voxel there.

    >>> whole = Image.from_array(np.arange(24).reshape(1, 4, 3, 2), spacing_mm=(5, 1, 1))
    >>> part = image_part(whole, 0, 1, 3)
    >>> part.array.shape, float(part.affine[2, 3])
    ((1, 2, 3, 2), 5.0)
    """
    shape = image.spatial_shape
    if not (0 <= axis < len(shape) and 0 <= start < stop <= shape[axis]):
        raise ShapeError(
            expected=f"a part of an image of {' x '.join(map(str, shape))}",
            got=f"{start} to {stop} of axis {axis}",
            remedy="stay inside the image",
        )
    stored = _grid_part(image.stored, axis, start, stop)
    array = np.ascontiguousarray(image.array[(slice(None), *(slice(None),) * axis, slice(start, stop))])
    return Image(array, stored.canonical_affine, image.channel_names, stored)


def image_box(image: Image, box: Sequence[tuple[int, int]]) -> Image:
    """Give the voxels of a box; their world coordinates stay as they were.

    Args:
        image: See `image_part`.
        box: First position, and first behind it, of each axis of the canonical array.

    Raises:
        ShapeError: The box has another number of axes, is empty, or reaches out of the image.
    """
    if len(box) != len(image.spatial_shape):
        raise ShapeError(
            expected=f"a box of {len(image.spatial_shape)} axes", got=f"{len(box)}", remedy="name every axis"
        )
    for axis, (start, stop) in enumerate(box):
        image = image_part(image, axis, start, stop)
    return image


def _grid_part(grid: StoredGrid, axis: int, start: int, stop: int) -> StoredGrid:
    stored_axis = grid.orientation.permutation[axis]
    first = grid.shape[stored_axis] - stop if grid.orientation.flips[axis] else start
    shape = tuple(stop - start if each == stored_axis else size for each, size in enumerate(grid.shape))
    affine = grid.affine.copy()
    affine[:, -1] += first * affine[:, stored_axis]
    header = dict(grid.header)
    if grid.format == "nifti":
        header |= _shifted(grid.header, stored_axis, first)
    return replace(grid, shape=shape, affine=affine, header=header)


def _shifted(header: Mapping[str, object], axis: int, first: int) -> dict[str, NDArray]:
    """Move both transforms of a NIfTI header along a stored axis, in the header's own units."""
    fields = {name: np.array(header[name]) for name in SHIFTED_FIELDS}
    for name in SHIFTED_FIELDS[:3]:
        # In double precision, so that the header rounds once.
        fields[name][3] = float(fields[name][3]) + first * float(fields[name][axis])
    for name, step in zip(SHIFTED_FIELDS[3:], _quaternion_step(header, axis), strict=True):
        fields[name][...] = float(fields[name]) + first * step
    return fields


def _quaternion_step(header: Mapping[str, object], axis: int) -> NDArray:
    """Give the step from voxel to voxel along a stored axis that the quaternion of a NIfTI header describes."""
    from nibabel.quaternions import fillpositive, quat2mat

    pixdim = np.asarray(header["pixdim"], dtype=np.float64)
    vector = [float(np.asarray(header[f"quatern_{letter}"])) for letter in "bcd"]
    if header["qform_code"] == 0 or np.linalg.norm(vector) > 1 + QUATERNION_TOLERANCE:
        return np.zeros(3)
    step = quat2mat(fillpositive(vector, w2_thresh=-3 * QUATERNION_TOLERANCE))[:, axis] * pixdim[axis + 1]
    # The sign of pixdim[0] tells whether the third axis is mirrored.
    return -step if axis == 2 and pixdim[0] < 0 else step
