"""Distances between the surfaces of two masks, computed once; the figures derive from them.

The surface of a mask is its boundary voxels: the mask minus its erosion by the full-face neighborhood (4 in
2-D, 6 in 3-D), where everything outside the image counts as outside the mask. Distances run between voxel
centers, in mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from univox.errors import ShapeError
from univox.metrics.masks import check_masks

Mask = NDArray[np.bool_]
Box = tuple[slice, ...]


@dataclass(frozen=True)
class SurfaceDistances:
    """Distance of every boundary voxel of one mask to the nearest boundary voxel of the other, in mm.

    An empty mask has no boundary voxel; the distances to it are infinite.

    Args:
        from_label: (N,) one per boundary voxel of the label.
        from_prediction: (M,) one per boundary voxel of the prediction.
    """

    from_label: NDArray[np.float64]
    from_prediction: NDArray[np.float64]

    @property
    def both_empty(self) -> bool:
        """Neither mask has a voxel."""
        return self.from_label.size == 0 and self.from_prediction.size == 0

    @property
    def one_empty(self) -> bool:
        """Exactly one mask has no voxel."""
        return (self.from_label.size == 0) != (self.from_prediction.size == 0)

    def hausdorff(self, percent: float = 95.0) -> float:
        """Distance within which `percent` of each surface lies from the other, in mm.

        Args:
            percent: In (0, 100]; 100 is the classical Hausdorff distance.

        Returns:
            The larger direction (percentiles interpolated linearly). One empty: inf. Both empty: nan.

        Raises:
            ValueError: `percent` lies outside (0, 100].
        """
        if not 0.0 < percent <= 100.0:
            raise ValueError(f"percent must be in (0, 100], got {percent}")
        if self.both_empty:
            return float("nan")
        if self.one_empty:
            return float("inf")
        return max(float(np.percentile(distances, percent)) for distances in (self.from_label, self.from_prediction))

    def average_symmetric(self) -> float:
        """Mean of the distances of both surfaces taken together (ASSD), in mm.

        Returns:
            Each boundary voxel of either mask weighs the same. One empty: inf. Both empty: nan.
        """
        if self.both_empty:
            return float("nan")
        return float(np.concatenate([self.from_label, self.from_prediction]).mean())

    def dice(self, tolerance_mm: float) -> float:
        """Share of the boundary voxels of both masks that lie within a tolerance of the other surface.

        Args:
            tolerance_mm: Distance that still counts as agreement, inclusive.

        Returns:
            In [0, 1]. One empty: 0. Both empty: nan.
        """
        if self.both_empty:
            return float("nan")
        return float(np.mean(np.concatenate([self.from_label, self.from_prediction]) <= tolerance_mm))


def boundary(mask: Mask) -> Mask:
    """Mark the boundary voxels of a mask: those with an outside voxel, or the image's edge, across a face.

    >>> boundary(np.ones((3, 4), bool)).astype(int)
    array([[1, 1, 1, 1],
           [1, 0, 0, 1],
           [1, 1, 1, 1]])
    """
    faces = ndimage.generate_binary_structure(mask.ndim, 1)
    inside: Mask = np.asarray(ndimage.binary_erosion(mask, faces, border_value=0), dtype=np.bool_)
    return mask & ~inside


def surface_distances(label: Mask, prediction: Mask, *, spacing_mm: tuple[float, ...]) -> SurfaceDistances:
    """Measure how far each surface lies from the other.

    Only the joint bounding box is looked at, which changes no distance: every boundary voxel lies in it.

    Args:
        label: Boolean, (H, W) or (D, H, W).
        prediction: Boolean, same shape.
        spacing_mm: Voxel edge per axis, array order.

    Returns:
        The distances of both directions.

    Raises:
        ShapeError: Shapes differ, a mask is not boolean, or spacing has another length or is not positive.

    Source: Maurer, Qi, Raghavan, IEEE TPAMI 25(2), 2003 (the exact distance transform of scipy.ndimage).
    """
    _check(label, prediction, spacing_mm)
    box = _joint_box(label, prediction)
    label_surface, prediction_surface = boundary(label[box]), boundary(prediction[box])
    return SurfaceDistances(
        from_label=_nearest(label_surface, prediction_surface, spacing_mm),
        from_prediction=_nearest(prediction_surface, label_surface, spacing_mm),
    )


def hausdorff(label: Mask, prediction: Mask, *, spacing_mm: tuple[float, ...], percent: float = 95.0) -> float:
    """Distance within which `percent` of each surface lies from the other, in mm.

    Args:
        label: Boolean, (H, W) or (D, H, W).
        prediction: Boolean, same shape.
        spacing_mm: Voxel edge per axis, array order.
        percent: In (0, 100]; 100 is the classical distance.

    Returns:
        The larger direction. One empty: inf (left out of means, and counted). Both empty: nan.

    Raises:
        ShapeError: Shapes differ, or spacing has another length.

    Source: Huttenlocher, Klanderman, Rucklidge, IEEE TPAMI 15(9), 1993, section 2 (ranked distances).

    >>> a = np.array([[True, False, False]])
    >>> hausdorff(a, np.array([[False, False, True]]), spacing_mm=(1.0, 2.0))
    4.0
    """
    return surface_distances(label, prediction, spacing_mm=spacing_mm).hausdorff(percent)


def average_symmetric_surface_distance(label: Mask, prediction: Mask, *, spacing_mm: tuple[float, ...]) -> float:
    """Mean distance between the two surfaces (ASSD), both directions taken together, in mm.

    Args:
        label: Boolean, (H, W) or (D, H, W).
        prediction: Boolean, same shape.
        spacing_mm: Voxel edge per axis, array order.

    Returns:
        One empty: inf. Both empty: nan.

    Raises:
        ShapeError: Shapes differ, or spacing has another length.
    """
    return surface_distances(label, prediction, spacing_mm=spacing_mm).average_symmetric()


def surface_dice(label: Mask, prediction: Mask, *, spacing_mm: tuple[float, ...], tolerance_mm: float) -> float:
    """Share of both surfaces within `tolerance_mm` of the other, counted in boundary voxels.

    Args:
        label: Boolean, (H, W) or (D, H, W).
        prediction: Boolean, same shape.
        spacing_mm: Voxel edge per axis, array order.
        tolerance_mm: Distance that still counts as agreement, inclusive.

    Returns:
        In [0, 1]. One empty: 0. Both empty: nan.

    Raises:
        ShapeError: Shapes differ, or spacing has another length.

    Source: Nikolov et al., arXiv:1809.04430, section "Surface DSC". Departs: boundary voxels weigh alike,
        where the paper weighs surface elements by their area.
    """
    return surface_distances(label, prediction, spacing_mm=spacing_mm).dice(tolerance_mm)


def class_boxes(label: NDArray[np.integer], prediction: NDArray[np.integer], num_classes: int) -> list[Box]:
    """Box around each class in either map, found in one pass over each.

    Args:
        label: Class indices 0..num_classes-1.
        prediction: The same, same shape.
        num_classes: Classes, background included.

    Returns:
        One box per foreground class 1..num_classes-1; empty (stop 0) for a class in neither map.
    """
    found = [ndimage.find_objects(array, max_label=num_classes - 1) for array in (label, prediction)]
    nowhere: Box = (slice(0, 0),) * label.ndim
    return [_united(a, b) or nowhere for a, b in zip(*found, strict=True)]


def _united(a: Box | None, b: Box | None) -> Box | None:
    if a is None or b is None:
        return a or b
    return tuple(slice(min(p.start, q.start), max(p.stop, q.stop)) for p, q in zip(a, b, strict=True))


def _joint_box(label: Mask, prediction: Mask) -> Box:
    one = np.uint8  # find_objects wants integers; a view costs nothing
    return class_boxes(label.view(one), prediction.view(one), 2)[0]


def _nearest(origin: Mask, target: Mask, spacing_mm: tuple[float, ...]) -> NDArray[np.float64]:
    """Distance of every marked voxel of `origin` to the nearest marked voxel of `target`."""
    points = np.nonzero(origin)
    if not target.any():
        return np.full(points[0].size, np.inf)
    if not points[0].size:
        return np.zeros(0)
    # Indices alone: a full distance map would be computed and kept at every voxel for the sake of a few.
    transformed = ndimage.distance_transform_edt(
        ~target, sampling=spacing_mm, return_distances=False, return_indices=True
    )
    indices = np.asarray(transformed)
    squared = np.zeros(points[0].size)
    for axis, spacing in enumerate(spacing_mm):
        squared += ((indices[axis][points] - points[axis]) * spacing) ** 2
    return np.sqrt(squared)


def _check(label: Mask, prediction: Mask, spacing_mm: tuple[float, ...]) -> None:
    check_masks(label, prediction)
    if len(spacing_mm) != label.ndim or not all(0.0 < edge < float("inf") for edge in spacing_mm):
        raise ShapeError(
            expected=f"{label.ndim} positive spacing values in mm",
            got=f"{tuple(spacing_mm)}",
            remedy="give one voxel edge per axis, in array order",
        )
