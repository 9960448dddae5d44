"""Where numbered objects touch: the voxels that a class map must not lose, if it is to keep them apart."""

from __future__ import annotations

from itertools import product
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Borders: TypeAlias = Literal["background", "class", "none"]
"""What voxels between touching objects become in a class map."""


def between_instances(instances: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Mark the voxels of an object that have a voxel of another object beside them.

    Beside is any of the 3^n - 1 neighbors, so that what is left of two objects touches nowhere, not even by a corner.
    Both objects give their voxels: a gap two voxels wide, whichever bears the lower number. A voxel next to the
    background alone is not marked.

    Args:
        instances: 0 on background, one positive number per object, shape `(*spatial)`.

    Returns:
        The marked voxels, same shape.

    Source: Ronneberger et al., MICCAI 2015, have labels in which touching cells lie apart; how wide is not stated.

    >>> between_instances(np.array([1, 1, 2, 2, 0, 3])).astype(int)
    array([0, 1, 1, 0, 0, 0])
    """
    marked = np.zeros(instances.shape, dtype=bool)
    # Half of the neighbors will do: what differs from its neighbor is its neighbor's neighbor that differs.
    for step in product((-1, 0, 1), repeat=instances.ndim):
        if step <= (0,) * instances.ndim:
            continue
        here = tuple(
            slice(max(-move, 0), size - max(move, 0)) for move, size in zip(step, instances.shape, strict=True)
        )
        there = tuple(
            slice(max(move, 0), size + min(move, 0)) for move, size in zip(step, instances.shape, strict=True)
        )
        first, second = instances[here], instances[there]
        differ = (first != second) & (first != 0) & (second != 0)
        marked[here] |= differ
        marked[there] |= differ
    return marked
