"""Agreement of two divisions into segments, as cells divided by membranes: Rand error, information, pixel error.

Only voxels inside a segment of the label count (foreground-restricted): a membrane drawn thinner than the label's costs
nothing by itself. A voxel there that the prediction gives to no segment counts as a segment of its own, so that a
membrane drawn thicker costs a little.
The names of the segments carry no meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from univox.errors import LabelError, ShapeError

SegmentMap = NDArray[Any]
"""Integers: 0 for no segment, any other number for the segment of that name."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class SegmentAgreement:
    """How two divisions of the same voxels agree; each figure is nan where the label has no segment.

    Args:
        pairs_label: Ordered pairs of voxels, a voxel with itself too, that are in one segment of the label.
        pairs_prediction: The same of the prediction.
        pairs_both: Pairs in one segment of the label and in one of the prediction.
        entropy_label: Of the label's segments, in bits.
        entropy_prediction: Of the prediction's segments, in bits.
        entropy_both: Of the pieces in which both divide the voxels, in bits.
    """

    pairs_label: int
    pairs_prediction: int
    pairs_both: int
    entropy_label: float
    entropy_prediction: float
    entropy_both: float

    @property
    def rand_split(self) -> float:
        """Share of the label's pairs that the prediction keeps together, in (0, 1]; low: too many splits."""
        return _share(self.pairs_both, self.pairs_label)

    @property
    def rand_merge(self) -> float:
        """Share of the prediction's pairs that belong together, in (0, 1]; low: too many mergers."""
        return _share(self.pairs_both, self.pairs_prediction)

    @property
    def adapted_rand_error(self) -> float:
        """1 minus the harmonic mean of `rand_split` and `rand_merge`, in [0, 1); 0 is best."""
        return 1.0 - _share(2 * self.pairs_both, self.pairs_label + self.pairs_prediction)

    @property
    def information_split(self) -> float:
        """Bits still missing to name the prediction's segment once the label's is known; 0 is best."""
        return self.entropy_both - self.entropy_label

    @property
    def information_merge(self) -> float:
        """Bits still missing to name the label's segment once the prediction's is known; 0 is best."""
        return self.entropy_both - self.entropy_prediction

    @property
    def variation_of_information(self) -> float:
        """`information_split` and `information_merge` together, in bits; 0 is best."""
        return self.information_split + self.information_merge

    @property
    def information_error(self) -> float:
        """1 minus shared information over the mean entropy, in [0, 1]; 0 where both are one and the same segment."""
        both = self.entropy_label + self.entropy_prediction
        return self.variation_of_information / both if both else 0.0


def segment_agreement(label: SegmentMap, prediction: SegmentMap) -> SegmentAgreement:
    """Compare two divisions over the voxels that the label gives to a segment.

    Args:
        label: Segments as integers, 0 for none; any shape.
        prediction: The same of the prediction, same shape; each voxel of 0 is a segment of its own.

    Returns:
        The agreement. No segment in the label: nan in every figure. None in the prediction: finite, as every
        voxel is alone.

    Raises:
        ShapeError: The shapes differ.
        LabelError: A map is not of integers.

    Source: Arganda-Carreras et al., Frontiers in Neuroanatomy 9:142, 2015 (foreground-restricted Rand and
        information scores); Meila, J. Multivariate Analysis 98(5), 2007 (variation of information). Departs:
        borders are taken as given, not thinned first.

    >>> agreement = segment_agreement(np.array([5, 5, 5, 5, 0]), np.array([1, 1, 2, 2, 2]))
    >>> round(agreement.adapted_rand_error, 4), agreement.information_split, agreement.information_merge
    (0.3333, 1.0, 0.0)
    """
    _check(label, prediction)
    counted = label != 0
    here, there = label[counted], prediction[counted]
    alone = int(np.count_nonzero(there == 0))
    kept = there != 0
    of_label = np.unique(here, return_counts=True)[1]
    of_prediction = np.unique(there[kept], return_counts=True)[1]
    pieces = _joint_counts(here[kept], there[kept])
    return SegmentAgreement(
        pairs_label=_pairs(of_label),
        pairs_prediction=_pairs(of_prediction) + alone,
        pairs_both=_pairs(pieces) + alone,
        entropy_label=_entropy(of_label, 0, here.size),
        entropy_prediction=_entropy(of_prediction, alone, here.size),
        entropy_both=_entropy(pieces, alone, here.size),
    )


def connected_segments(interior: Mask) -> NDArray[np.int32]:
    """Number the pieces of a mask that hang together across faces: 1, 2, ...; 0 outside.

    Args:
        interior: Boolean, true inside cells, false on membranes; any shape.

    Returns:
        Same shape.

    >>> connected_segments(np.array([[True, False], [False, True]])).tolist()
    [[1, 0], [0, 2]]
    """
    segments = np.zeros(interior.shape, dtype=np.int32)
    ndimage.label(interior, ndimage.generate_binary_structure(interior.ndim, 1), output=segments)
    return segments


def pixel_error(label: Mask, prediction: Mask) -> float:
    """Share of the voxels where two masks differ.

    Args:
        label: Boolean, any shape.
        prediction: Boolean, same shape.

    Returns:
        In [0, 1], 0 is best. Both empty: 0. No voxel at all: nan.

    Raises:
        ShapeError: The shapes differ.
        LabelError: A mask holds no integers or booleans.

    >>> pixel_error(np.array([True, True, False, False]), np.array([True, False, False, False]))
    0.25
    """
    _check(label, prediction)
    return _share(int(np.count_nonzero(label != prediction)), label.size)


def _joint_counts(here: SegmentMap, there: SegmentMap) -> NDArray[np.intp]:
    """Voxels of every pair of segments that occurs."""
    # Names are numbered first: as they are, they may be too large for a product of two.
    first = np.unique(here, return_inverse=True)[1]
    names, second = np.unique(there, return_inverse=True)
    return np.unique(first * len(names) + second, return_counts=True)[1]


def _pairs(counts: NDArray[np.intp]) -> int:
    return sum(number * number for number in counts.tolist())


def _entropy(counts: NDArray[np.intp], alone: int, total: int) -> float:
    """Of segments of these sizes and `alone` segments of one voxel, in bits."""
    if not total:
        return float("nan")
    # Sorted: equal divisions have equal entropies to the last bit, whatever the names.
    shares = np.sort(counts[counts > 1]) / total
    single = alone + int(np.count_nonzero(counts == 1))
    return float(np.sum(shares * -np.log2(shares)) + single / total * np.log2(total))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _check(label: SegmentMap, prediction: SegmentMap) -> None:
    if label.shape != prediction.shape:
        raise ShapeError(
            expected=f"a prediction of the label's shape {label.shape}",
            got=f"shape {prediction.shape}",
            remedy="compare arrays of one grid",
        )
    if label.dtype.kind not in "biu" or prediction.dtype.kind not in "biu":
        raise LabelError(
            expected="integer maps",
            got=f"dtypes {label.dtype} and {prediction.dtype}",
            remedy="number the segments with connected_segments(mask), or threshold probabilities first",
        )
