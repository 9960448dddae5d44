"""Voxels of labelled cases with the probabilities that prediction puts out there, as many as memory can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import NOT_ANNOTATED
from univox.data.crop import Box, box_slices
from univox.data.preprocess import CaseGeometry
from univox.data.restore import restore_probabilities, restore_to_box

VALUES = 1 << 26
"""Probabilities kept of all cases together, per region (256 MiB)."""
VALUES_PER_CASE = 1 << 21
"""And at most of one case (8 MiB): all voxels of a small case, a random part of a large one."""

MARGIN = 0.25
"""The surroundings reach beyond the box of the foreground by this share of its edge on either side ..."""
LEAST_MARGIN = 4
"""... and by at least so many voxels."""


@dataclass(frozen=True)
class LabelledVoxels:
    """Voxels in no order.

    Args:
        probabilities: (K, voxels), on the image's grid, before any temperature.
        label: Class indices, (voxels,).
    """

    probabilities: NDArray[np.float32]
    label: NDArray[np.integer[Any]]

    @staticmethod
    def joined(parts: Sequence[LabelledVoxels]) -> LabelledVoxels:
        """All of several."""
        return LabelledVoxels(
            np.concatenate([part.probabilities for part in parts], axis=1),
            np.concatenate([part.label for part in parts]),
        )


@dataclass(frozen=True)
class CaseVoxels:
    """Of one case or of several.

    Args:
        surroundings: Of the box around the foreground.
        whole: Of all that the network sees.
    """

    surroundings: LabelledVoxels
    whole: LabelledVoxels

    @staticmethod
    def joined(parts: Sequence[CaseVoxels]) -> CaseVoxels:
        """All of several."""
        return CaseVoxels(
            LabelledVoxels.joined([part.surroundings for part in parts]),
            LabelledVoxels.joined([part.whole for part in parts]),
        )


def case_voxels(
    votes: NDArray[np.float32],
    geometry: CaseGeometry,
    label: NDArray[np.integer[Any]],
    random: np.random.Generator,
    *,
    values: int = VALUES_PER_CASE,
) -> CaseVoxels:
    """Look at a case where the image's voxels are: that is where probabilities are put out, and where labels are.

    Class after class, so that memory holds one map on the image's grid, however many classes there are.

    Args:
        votes: (K, *prepared_shape), as `Predictor.votes` gives them.
        geometry: Of the prepared image.
        label: Class indices, (*full_shape); voxels that nobody labelled do not count.
        random: Chooses voxels where there are more than `values` allows.
        values: Probabilities to keep at most, per region.
    """
    inside = box_slices(geometry.box)
    truth = label[inside]
    annotated = truth != NOT_ANNOTATED
    foreground = ((truth > 0) & annotated) | (restore_probabilities(votes, geometry)[inside] > 0)
    most = max(1, values // len(votes))
    everything = tuple((0, size) for size in truth.shape)
    flat = truth.reshape(-1)
    places = [_places(region, truth.shape, most, random) for region in (surroundings(foreground), everything)]
    places = [place[flat[place] != NOT_ANNOTATED] for place in places]
    found = [np.empty((len(votes), len(place)), np.float32) for place in places]
    for index, vote in enumerate(votes):
        probability = restore_to_box(vote, geometry).reshape(-1)
        for rows, place in zip(found, places, strict=True):
            rows[index] = probability[place]
    around, whole = (LabelledVoxels(rows, flat[place]) for rows, place in zip(found, places, strict=True))
    return CaseVoxels(around, whole)


def surroundings(foreground: NDArray[np.bool_]) -> Box:
    """Find the box of a foreground, widened; all where there is none.

    >>> surroundings(np.arange(30) == 12)
    ((8, 17),)
    """
    box: list[tuple[int, int]] = []
    for axis, size in enumerate(foreground.shape):
        others = tuple(other for other in range(foreground.ndim) if other != axis)
        occupied = np.flatnonzero(foreground.any(axis=others))
        if not occupied.size:
            return tuple((0, size) for size in foreground.shape)
        first, last = int(occupied[0]), int(occupied[-1])
        margin = max(LEAST_MARGIN, round(MARGIN * (last + 1 - first)))
        box.append((max(0, first - margin), min(size, last + 1 + margin)))
    return tuple(box)


def _places(box: Box, shape: tuple[int, ...], most: int, random: np.random.Generator) -> NDArray[np.intp]:
    """Give flat indices of voxels in the box: all, or as many as may be, each at most once."""
    sizes = [stop - start for start, stop in box]
    count = int(np.prod(sizes))
    chosen = np.arange(count) if count <= most else random.choice(count, most, replace=False, shuffle=False)
    axes = np.unravel_index(chosen, sizes)
    return np.ravel_multi_index([place + start for place, (start, _) in zip(axes, box, strict=True)], shape)
