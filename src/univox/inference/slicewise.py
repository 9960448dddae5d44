"""A volume segmented by a 2-D network: slice by slice along one axis, or along several, fused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from univox.image import Image
from univox.metrics import normalized_entropy

SliceProbabilities = Callable[[Image], NDArray[np.float32]]
"""From a 2-D image to the probability of every class, (K, *spatial)."""


def slicewise(probabilities: SliceProbabilities, volume: Image, axes: Sequence[int]) -> NDArray[np.float32]:
    """Give every voxel the mean of the probabilities that it has in its slices.

    Each slice is an image of its own, prepared by itself, as it was in training.

    Args:
        probabilities: Of a slice.
        volume: (C, D, H, W).
        axes: Slices lie across each of these, 0 to 2 in array order; no axis twice.

    Returns:
        (K, D, H, W).

    Source: 3D U-Net (Cicek et al., MICCAI 2016) sets a 2-D network, slice by slice, against the 3-D one; the fusion of
        three axes by their mean is chosen here.
    """
    total: NDArray[np.float32] | None = None
    for axis in axes:
        spacing_mm = tuple(edge for other, edge in enumerate(volume.spacing_mm) if other != axis)
        for index in range(volume.spatial_shape[axis]):
            array = np.ascontiguousarray(np.take(volume.array, index, axis=axis + 1))
            found = probabilities(Image.from_array(array, spacing_mm=spacing_mm, channel_names=volume.channel_names))
            if total is None:
                total = np.zeros((len(found), *volume.spatial_shape), dtype=np.float32)
            total[(slice(None), *(index if other == axis else slice(None) for other in range(3)))] += found
    if total is None:
        return np.zeros((0, *volume.spatial_shape), dtype=np.float32)
    return total / np.float32(len(axes))


def decided(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Give the most probable class of every voxel, the lower in a tie, and how undecided it is, 0 to 1.

    Args:
        probabilities: (K, *spatial).
    """
    return probabilities.argmax(0).astype(np.uint8), normalized_entropy(probabilities).astype(np.float32)
