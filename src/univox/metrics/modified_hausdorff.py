"""Modified Hausdorff distance of two masks as sets of lines of voxels (MHD, 3D-MHD).

Every line of a mask along one axis is a binary vector. All lines count, the all-zero ones too, and where a line lies
does not: the figure compares which patterns occur, so that 0 does not mean equal masks, and a shift across the lines
costs nothing. Distances are square roots of numbers of voxels; the spacing does not enter.

Empty masks follow from that without a rule of their own. Both empty: 0. One empty: finite, since an empty mask is a set
of all-zero lines; who averages over cases counts such cases by the masks, not by this figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from univox.errors import ShapeError
from univox.metrics.masks import check_masks

Mask = NDArray[np.bool_]

PAIRS_PER_BLOCK = 1 << 22
"""Pairs of lines whose distance stands in memory at once (16 MiB)."""


@dataclass(frozen=True)
class LineDistances:
    """Mean distance of the lines of either mask to the nearest line of the other, in sqrt(voxels).

    Args:
        from_label: Mean over the lines of the label.
        from_prediction: Mean over the lines of the prediction.
    """

    from_label: float
    from_prediction: float

    @property
    def larger(self) -> float:
        """The modified Hausdorff distance: the larger of the two means."""
        return max(self.from_label, self.from_prediction)


def line_distances(label: Mask, prediction: Mask, *, axis: int) -> LineDistances:
    """Measure how far the lines of each mask are from the nearest line of the other.

    Equal lines are merged and weighted by their number, lines that both masks have are at distance 0, and the rest
    are compared by matrix products of a bounded size; the value is that of all pairs.

    Args:
        label: Boolean, any shape with at least one voxel.
        prediction: Boolean, same shape.
        axis: Axis along which the lines run: of (D, H, W) axis 0 gives H W lines of D voxels.

    Returns:
        Both directions, in sqrt(voxels). Both empty: 0 and 0. One empty: 0 from the empty side if the other has an
        all-zero line, and finite in any case.

    Raises:
        ShapeError: Shapes differ, a mask is not boolean or has no voxel, or there is no such axis.

    >>> one, other = np.eye(2, 3, dtype=bool), np.ones((2, 3), bool)
    >>> line_distances(one, other, axis=1)
    LineDistances(from_label=1.4142135623730951, from_prediction=1.4142135623730951)
    """
    _check(label, prediction, axis)
    merged = _merge(label, prediction, axis)
    in_label, in_prediction = merged.times_label > 0, merged.times_prediction > 0
    here, there = in_label & ~in_prediction, in_prediction & ~in_label
    shared = merged.lines[in_label & in_prediction]
    from_here, from_there = _least_squared(merged.lines[here], merged.lines[there])
    from_here = np.minimum(from_here, _least_squared(merged.lines[here], shared)[0])
    from_there = np.minimum(from_there, _least_squared(merged.lines[there], shared)[0])
    number = label.size // label.shape[axis]
    return LineDistances(
        from_label=float(np.sqrt(from_here) @ merged.times_label[here]) / number,
        from_prediction=float(np.sqrt(from_there) @ merged.times_prediction[there]) / number,
    )


def mhd(label: Mask, prediction: Mask, *, axis: int = 0) -> float:
    """Modified Hausdorff distance of the lines along one axis (MHD), in sqrt(voxels).

    The mean distance of a line to the nearest line of the other mask, the larger direction of the two.

    Args:
        label: Boolean, any shape with at least one voxel.
        prediction: Boolean, same shape.
        axis: Axis along which the lines run; earlier work looks at axis 0 of (D, H, W) alone.

    Returns:
        0 is best, and does not mean equal masks. Both empty: 0. One empty: finite.

    Raises:
        ShapeError: Shapes differ, a mask is not boolean or has no voxel, or there is no such axis.

    Source: Dubuisson, Jain, ICPR 1994 (the distance of two sets); the sets are those of Wang et al., AAAI 2020.

    >>> label, prediction = np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool)
    >>> label[1, 1, 1] = prediction[0, 0, 0] = True
    >>> mhd(label, prediction, axis=0)
    0.25
    """
    return line_distances(label, prediction, axis=axis).larger


def mhd_3d(label: Mask, prediction: Mask) -> float:
    """Mean over the axes of the modified Hausdorff distance along each (3D-MHD), in sqrt(voxels).

    Args:
        label: Boolean, (D, H, W) with at least one voxel; of (H, W) the mean of both axes is taken.
        prediction: Boolean, same shape.

    Returns:
        0 is best, and does not mean equal masks. Both empty: 0. One empty: finite.

    Raises:
        ShapeError: Shapes differ, or a mask is not boolean or has no voxel.

    Source: Wang et al., AAAI 2020, section "Experimental Setup".

    >>> plane = np.zeros((3, 3, 3), bool)
    >>> plane[0] = True
    >>> round(mhd_3d(plane, np.roll(plane, 1, axis=0)), 6)  # across the lines of two axes: free
    0.471405
    """
    _check(label, prediction, 0)
    along = [mhd(label, prediction, axis=axis) for axis in range(label.ndim)]
    return sum(along) / len(along)


class _Merged(NamedTuple):
    """Distinct lines of both masks (N, length) as 0 and 1, and how often each mask has them (N,)."""

    lines: NDArray[np.float32]
    times_label: NDArray[np.intp]
    times_prediction: NDArray[np.intp]


def _merge(label: Mask, prediction: Mask, axis: int) -> _Merged:
    length = label.shape[axis]
    words = np.concatenate([_packed_lines(mask, axis) for mask in (label, prediction)])
    order = np.lexsort(words.T)
    words = words[order]
    first = np.ones(len(words), dtype=np.bool_)
    first[1:] = (words[1:] != words[:-1]).any(axis=1)
    group = np.cumsum(first) - 1
    of_label = order < len(words) // 2
    distinct = words[first]
    lines = np.unpackbits(distinct.view(np.uint8), axis=1, count=length)
    # A position that no line has set adds to no distance.
    lines = lines[:, lines.any(axis=0)].astype(np.float32)
    return _Merged(
        lines,
        np.bincount(group[of_label], minlength=len(lines)),
        np.bincount(group[~of_label], minlength=len(lines)),
    )


def _packed_lines(mask: Mask, axis: int) -> NDArray[np.uint64]:
    """Every line as bits, 64 a word: (lines, words)."""
    packed = np.moveaxis(np.packbits(mask, axis=axis), axis, -1)
    lines = packed.reshape(-1, packed.shape[-1])
    padded = np.zeros((len(lines), -(-lines.shape[1] // 8) * 8), dtype=np.uint8)
    padded[:, : lines.shape[1]] = lines
    return padded.view(np.uint64)


def _least_squared(
    rows: NDArray[np.float32], others: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared distance of each row to the nearest of the others, and of each other to the nearest row; inf to none."""
    by_row, by_other = np.full(len(rows), np.inf), np.full(len(others), np.inf)
    if not (len(rows) and len(others)):
        return by_row, by_other
    # |a| + |b| - 2 a.b as one product; whole numbers, exact in float32 for lines up to 2 ** 22 voxels.
    left = np.hstack([-2 * rows, np.ones((len(rows), 1), np.float32), rows.sum(axis=1, keepdims=True)])
    right = np.hstack([others, others.sum(axis=1, keepdims=True), np.ones((len(others), 1), np.float32)]).T
    step = max(1, PAIRS_PER_BLOCK // len(others))
    for start in range(0, len(rows), step):
        block = left[start : start + step] @ right
        by_row[start : start + step] = block.min(axis=1)
        np.minimum(by_other, block.min(axis=0), out=by_other)
    return by_row, by_other


def _check(label: Mask, prediction: Mask, axis: int) -> None:
    check_masks(label, prediction)
    if not (label.size and label.ndim):
        raise ShapeError(
            expected="masks of at least one axis and one voxel",
            got=f"shape {label.shape}",
            remedy="give whole volumes",
        )
    if not 0 <= axis < label.ndim:
        raise ShapeError(
            expected=f"an axis 0..{label.ndim - 1} of the masks",
            got=f"axis {axis}",
            remedy="count the axes in array order",
        )
