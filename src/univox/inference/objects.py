"""From a class map to numbered objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from univox.data.classes import Classes
from univox.errors import RecipeError

BORDER_REACH = 2.0
"""Voxels from an object, at most, within which the border class is given back to it."""


@dataclass(frozen=True)
class ObjectSettings:
    """How the voxels of a class become objects.

    Args:
        split_touching: Divide what is connected where it narrows: the distance to the background is flooded from its
            peaks (watershed). Otherwise every connected component is an object.
        min_size: Objects of fewer voxels are dropped.
        split_depth: Voxels. A neck divides where the distance there is smaller by more than this than on the lower of
            the two peaks that it joins.

    Raises:
        RecipeError: A size below 1, or no depth.
    """

    split_touching: bool = False
    min_size: int = 1
    split_depth: float = 1.0

    def __post_init__(self) -> None:
        if self.min_size < 1 or not self.split_depth > 0:
            raise RecipeError(
                expected="a smallest size of at least 1 voxel, and a depth above 0",
                got=f"{self.min_size} and {self.split_depth}",
                remedy="leave them out, or correct them",
            )


def number_objects(label: NDArray[np.integer], classes: Classes, settings: ObjectSettings) -> NDArray[np.int32]:
    """Number the objects of a class map 1..n, in the order in which a scan of the array meets them.

    Components are joined by faces, each class by itself. Small ones are dropped, and then what was taken from touching
    objects when the labels were made (`Classes.borders`) is given back: voxels of the border class to the nearest
    object within `BORDER_REACH`; of labels whose borders became background, those voxels that have one object beside
    them and another within two on the opposite side. A true gap of one or two voxels is filled likewise.

    Args:
        label: Class indices, shape `(*spatial)`.
        classes: What they mean.
        settings: How.

    Returns:
        0 where there is no object, shape `(*spatial)`.

    Source: the watershed is that of SimpleITK (`MorphologicalWatershed`), which floods up to the depth before a
        basin counts.

    >>> from univox.data.classes import Classes
    >>> label = np.array([[1, 1, 0, 0, 1, 1, 1], [1, 1, 0, 0, 1, 1, 1]])
    >>> number_objects(label, Classes.of({1: "cell"}), ObjectSettings())[0]
    array([1, 1, 0, 0, 2, 2, 2], dtype=int32)
    >>> number_objects(label, Classes.of_instances("cell", borders="background"), ObjectSettings())[0]
    array([1, 1, 1, 2, 2, 2, 2], dtype=int32)
    """
    border = 2 if classes.borders == "class" else None
    objects = np.zeros(label.shape, dtype=np.int32)
    for index in range(1, classes.num_classes):
        mask = label == index
        if index == border or not mask.any():
            continue
        found = _flooded(mask, settings.split_depth) if settings.split_touching else _components(mask)
        objects += np.where(found > 0, found + objects.max(), 0).astype(np.int32)
    sizes = np.bincount(objects.ravel())
    objects[sizes[objects] < settings.min_size] = 0
    if objects.any() and border is not None:
        _give_back(objects, label == border)
    elif objects.any() and classes.borders == "background":
        _give_back(objects, _between(objects))
    return _in_scan_order(objects)


def _components(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    numbers = np.zeros(mask.shape, dtype=np.int32)
    ndimage.label(mask, output=numbers)
    return numbers


def _flooded(mask: NDArray[np.bool_], depth: float) -> NDArray[np.int32]:
    """Basins of the distance to the background, within their components."""
    import SimpleITK

    # The image ends where it ends: an object cut off there has its peak there too.
    distance = np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge")))[(slice(1, -1),) * mask.ndim]
    components = _components(mask)
    if mask.all():
        return components
    height = SimpleITK.GetImageFromArray((-distance).astype(np.float32))
    basins = SimpleITK.GetArrayFromImage(
        SimpleITK.MorphologicalWatershed(height, level=depth, markWatershedLine=False, fullyConnected=False)
    )
    # A component that is nowhere deeper than the level has no basin of its own.
    pairs = components.astype(np.int64) * (int(basins.max()) + 1) + basins
    _, numbers = np.unique(pairs[mask], return_inverse=True)
    objects = np.zeros(mask.shape, dtype=np.int32)
    objects[mask] = numbers + 1
    return objects


def _between(objects: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Background with two objects on opposite sides, along an axis or a diagonal: one beside it, one within two."""
    around = np.pad(objects, 2)

    def at(step: tuple[int, ...], times: int) -> NDArray[np.int32]:
        places = zip(step, objects.shape, strict=True)
        return around[tuple(slice(2 + times * move, 2 + times * move + size) for move, size in places)]

    marked = np.zeros(objects.shape, dtype=bool)
    for step in product((-1, 0, 1), repeat=objects.ndim):
        if step <= (0,) * objects.ndim:
            continue
        ahead, behind = at(step, 1), at(step, -1)
        first = np.where(ahead > 0, ahead, at(step, 2))
        second = np.where(behind > 0, behind, at(step, -2))
        marked |= ((ahead > 0) | (behind > 0)) & (first > 0) & (second > 0) & (first != second)
    return marked & (objects == 0)


def _give_back(objects: NDArray[np.int32], border: NDArray[np.bool_]) -> None:
    found: Any = ndimage.distance_transform_edt(objects == 0, return_indices=True)
    distance, nearest = found
    given = border & (objects == 0) & (distance <= BORDER_REACH)
    objects[given] = objects[tuple(axis[given] for axis in nearest)]


def _in_scan_order(objects: NDArray[np.int32]) -> NDArray[np.int32]:
    numbers, first, ranks = np.unique(objects, return_index=True, return_inverse=True)
    order = np.empty(len(numbers), dtype=np.int32)
    present = numbers > 0
    order[~present] = 0
    order[np.flatnonzero(present)[np.argsort(first[present])]] = np.arange(1, math.floor(present.sum()) + 1)
    return order[ranks].reshape(objects.shape)
