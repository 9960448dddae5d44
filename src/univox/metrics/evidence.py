"""Label and prediction of one class, or of one case, and what is found out about them once for all metrics."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.metrics.instances import ObjectOverlaps, object_overlaps
from univox.metrics.lesions import LesionMatch, match_lesions
from univox.metrics.modified_hausdorff import mhd
from univox.metrics.overlap import Counts
from univox.metrics.rand_error import SegmentAgreement, connected_segments, segment_agreement
from univox.metrics.surface import Box, SurfaceDistances, surface_distances

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ClassPair:
    """One class of a case in label and prediction; what costs is computed when first asked for, and once.

    Args:
        label: Class indices, (H, W) or (D, H, W).
        prediction: The same, same shape.
        index: The class.
        counts: Voxels of this class by agreement, entries (1,).
        box: Holds every voxel of the class in either map.
        spacing_mm: Voxel edge per axis, array order.
        tolerance_mm: Of the surface Dice.
    """

    label: NDArray[Any]
    prediction: NDArray[Any]
    index: int
    counts: Counts
    box: Box
    spacing_mm: tuple[float, ...]
    tolerance_mm: float

    @property
    def both_empty(self) -> bool:
        """The class is in neither map."""
        return not (self.counts.label[0] or self.counts.prediction[0])

    @cached_property
    def masks(self) -> tuple[Mask, Mask]:
        """Label and prediction inside the box."""
        return self.label[self.box] == self.index, self.prediction[self.box] == self.index

    @cached_property
    def surfaces(self) -> SurfaceDistances:
        """Distances between the surfaces, in mm."""
        return surface_distances(*self.masks, spacing_mm=self.spacing_mm)

    @cached_property
    def lesions(self) -> LesionMatch:
        """Connected components and which of them were found."""
        return match_lesions(*self.masks)

    @cached_property
    def line_distances(self) -> tuple[float, ...]:
        """MHD along each axis, in sqrt(voxels), of the whole grid: all its lines count; class in neither map: nan."""
        if self.both_empty:
            return (float("nan"),) * self.label.ndim
        label, prediction = self.label == self.index, self.prediction == self.index
        return tuple(mhd(label, prediction, axis=axis) for axis in range(label.ndim))


@dataclass(frozen=True, eq=False)
class SegmentPair:
    """The interior of a case's segments in label and prediction: true inside cells, false on membranes.

    Args:
        label: Boolean, (H, W) or (D, H, W).
        prediction: Boolean, same shape.
        annotated: The voxels that somebody labelled, outside of which both are false; none: all of them.
        objects: Of label and prediction, numbered; none takes the pieces that hang together across faces.
    """

    label: Mask
    prediction: Mask
    annotated: Mask | None = None
    objects: tuple[NDArray[Any], NDArray[Any]] | None = None

    @property
    def voxels(self) -> tuple[Mask, Mask]:
        """Label and prediction where somebody labelled."""
        if self.annotated is None:
            return self.label, self.prediction
        return self.label[self.annotated], self.prediction[self.annotated]

    @property
    def both_empty(self) -> bool:
        """Neither has a segment."""
        return not (self.label.any() or self.prediction.any())

    @cached_property
    def agreement(self) -> SegmentAgreement:
        """Of the pieces that hang together across faces."""
        return segment_agreement(connected_segments(self.label), connected_segments(self.prediction))

    @cached_property
    def overlaps(self) -> ObjectOverlaps:
        """Which objects overlap, and how much."""
        return object_overlaps(*(self.objects or map(connected_segments, (self.label, self.prediction))))
