"""The weight map that makes a network see the gaps between touching cells.

w(x) = w_c(x) + w_0 exp(-(d_1(x) + d_2(x))^2 / (2 sigma^2)), with d_1 and d_2 the distances from x to the border of
the nearest and of the second nearest cell. Source: Ronneberger, Fischer, Brox, MICCAI 2015, Eq. 2.

The publication leaves some of it open. Chosen here:

- The distance to the border of a cell is that from voxel center to the center of the cell's nearest voxel: 1 right
  beside it. In a gap one voxel wide d_1 = d_2 = 1.
- Only background gets the border term: it is there to keep cells apart. On cells w is w_c.
- With fewer than two cells there is no gap, and no term.
- w_c is the inverse of the frequency of the voxel's class, such that its mean over voxels is 1.
- Of a class map, the cells are its connected components: sets of voxels of one foreground class joined by faces.

Everything here is numpy and scipy, in any number of dimensions, so that a map can also be made once and kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from univox.errors import LabelError, ShapeError

Integers = NDArray[np.integer]
Floats = NDArray[np.float64]


def border_weights(
    label: Integers,
    *,
    instances: Integers | None = None,
    w0: float = 10.0,
    sigma: float = 5.0,
    spacing: Sequence[float] | None = None,
    class_weights: Sequence[float] | None = None,
    ignore_index: int | None = None,
) -> Floats:
    """Weigh every voxel of a label by its class and by the gap between cells that it lies in.

    Args:
        label: Classes, background 0, shape `(*spatial)`.
        instances: As in `border_term`, on the grid of the label; none takes the label's connected components, in
            which cells of one class that touch are one cell.
        w0: As in `border_term`.
        sigma: As in `border_term`.
        spacing: As in `border_term`.
        class_weights: w_c of each class; none takes the inverse of its frequency in this label. A class that the
            whole dataset holds rarely and this label once weighs a great deal then.
        ignore_index: A label that is no class and no cell; its voxels weigh 0.

    Returns:
        w, shape `(*spatial)`.

    Raises:
        LabelError: A class without a weight; a negative instance.
        ShapeError: The instances have another shape than the label; spacing has another length.
    """
    cells = components(label, ignore_index=ignore_index) if instances is None else instances
    if cells.shape != label.shape:
        raise ShapeError(
            expected=f"instances of shape {label.shape}", got=str(cells.shape), remedy="number the cells of this label"
        )
    weights = border_term(cells, w0=w0, sigma=sigma, spacing=spacing)
    weights += balance(label, class_weights=class_weights, ignore_index=ignore_index)
    if ignore_index is not None:
        weights[label == ignore_index] = 0
    return weights


def border_term(
    instances: Integers, *, w0: float = 10.0, sigma: float = 5.0, spacing: Sequence[float] | None = None
) -> Floats:
    """Compute w_0 exp(-(d_1 + d_2)^2 / (2 sigma^2)) on background, 0 on cells.

    Two distances per voxel are held, not one per cell. Each cell costs a distance transform of its surroundings:
    beyond 8.7 sigma its exponential is below half the rounding of 1 in double precision, and counts as 0.

    Args:
        instances: 0 on background, one positive number per cell (numbers may be left out), shape `(*spatial)`.
        w0: The term where d_1 + d_2 would be 0.
        sigma: How far gaps count, in the unit of `spacing`.
        spacing: Voxel edge per axis; none takes 1, so that sigma is in voxels.

    Returns:
        The term, shape `(*spatial)`; 0 everywhere with fewer than two cells.

    Raises:
        LabelError: A negative number.
        ShapeError: spacing has another length.

    >>> border_term(np.array([1, 1, 0, 2])).round(6)
    array([0.      , 0.      , 9.231163, 0.      ])
    """
    edges = (1.0,) * instances.ndim if spacing is None else tuple(spacing)
    if len(edges) != instances.ndim:
        raise ShapeError(
            expected=f"{instances.ndim} spacing values", got=str(len(edges)), remedy="give one per axis of the label"
        )
    reach = sigma * math.sqrt(2 * 54 * math.log(2))
    margins = [math.ceil(reach / edge) for edge in edges]
    nearest = np.full(instances.shape, np.inf)
    second = np.full(instances.shape, np.inf)
    ranks = _ranks(instances)
    for rank, box in enumerate(ndimage.find_objects(ranks), start=1):
        around = tuple(
            slice(max(side.start - margin, 0), side.stop + margin) for side, margin in zip(box, margins, strict=True)
        )
        distance = np.asarray(ndimage.distance_transform_edt(ranks[around] != rank, sampling=edges))
        first, next_to_it = nearest[around], second[around]
        np.minimum(next_to_it, np.maximum(first, distance), out=next_to_it)
        np.minimum(first, distance, out=first)
    term = w0 * np.exp(-np.square(nearest + second) / (2 * sigma**2))
    term[instances != 0] = 0
    return term


def components(label: Integers, *, ignore_index: int | None = None) -> NDArray[np.int32]:
    """Number the connected components of the foreground classes, by faces, each class apart.

    Args:
        label: Classes, background 0, shape `(*spatial)`.
        ignore_index: A label that is background here.

    Returns:
        0 on background, 1 and up on components, shape `(*spatial)`.

    >>> components(np.array([1, 1, 0, 1, 2]))
    array([1, 1, 0, 2, 3], dtype=int32)
    """
    numbers = np.zeros(label.shape, dtype=np.int32)
    for index in np.unique(label):
        if index in (0, ignore_index):
            continue
        of_class = np.zeros(label.shape, dtype=np.int32)
        ndimage.label(label == index, output=of_class)
        numbers += np.where(of_class > 0, of_class + numbers.max(), 0)
    return numbers


def balance(
    label: Integers, *, class_weights: Sequence[float] | None = None, ignore_index: int | None = None
) -> Floats:
    """Look up w_c, the weight of each voxel's class.

    Args:
        label: Classes, shape `(*spatial)`.
        class_weights: One per class; none takes N / (C n_c), with n_c of the N voxels in class c and C classes
            present: every class present weighs the same in sum, and the mean is 1.
        ignore_index: A label that is no class; its voxels weigh 0.

    Returns:
        w_c, shape `(*spatial)`.

    Raises:
        LabelError: A class without a weight.

    >>> balance(np.array([0, 0, 0, 1]))
    array([0.66666667, 0.66666667, 0.66666667, 2.        ])
    """
    weights = np.zeros(label.shape)
    classes, counts = np.unique(label, return_counts=True)
    present = {int(c): int(n) for c, n in zip(classes, counts, strict=True) if c != ignore_index}
    total = sum(present.values())
    for index, count in present.items():
        if class_weights is None:
            weight = total / (len(present) * count)
        elif 0 <= index < len(class_weights):
            weight = class_weights[index]
        else:
            raise LabelError(
                expected=f"classes 0 to {len(class_weights) - 1}, one per weight",
                got=str(index),
                remedy="give one class weight per class, background first",
            )
        weights[label == index] = weight
    return weights


def _ranks(instances: Integers) -> NDArray[np.intp]:
    """The cells numbered 1, 2, ... without a gap: one huge number must not cost as many steps."""
    numbers, ranks = np.unique(instances, return_inverse=True)
    if numbers.size and numbers[0] < 0:
        raise LabelError(
            expected="instances numbered from 1, background 0",
            got=str(numbers[0]),
            remedy="set what is no cell to 0",
        )
    ranks = ranks.reshape(instances.shape)
    return ranks if numbers.size and numbers[0] == 0 else ranks + 1
