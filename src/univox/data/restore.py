"""Bring what a network says of a prepared case back to the grid of its image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from univox.data.crop import box_slices
from univox.data.preprocess import CaseGeometry, require_shape
from univox.image import resample, resample_label
from univox.metrics.entropy import RunningEntropy, tempered_share


def restore_label(label: NDArray[np.integer], geometry: CaseGeometry, num_classes: int) -> NDArray[np.unsignedinteger]:
    """Bring a label on the prepared grid back to the whole image's; background outside the box.

    Args:
        label: Class indices (*prepared_shape).
        geometry: Of the prepared image.
        num_classes: Background included.

    Raises:
        ShapeError: The label is not on the prepared grid.
    """
    require_shape(label.shape, geometry.prepared_shape, "a label on the prepared grid")
    inside = label
    if geometry.box_shape != geometry.prepared_shape:
        inside = resample_label(label, geometry.box_shape, num_classes)
    full = np.zeros(geometry.full_shape, dtype=_label_dtype(num_classes))
    full[box_slices(geometry.box)] = inside
    return full


def restore_probabilities(probabilities: NDArray[np.float32], geometry: CaseGeometry) -> NDArray[np.unsignedinteger]:
    """Find the most probable class of every voxel of the whole image.

    Classes are resampled one after the other against a running maximum, so that memory holds two of them
    however many there are. The lower class wins a tie; outside the box all is background.

    Args:
        probabilities: (K, *prepared_shape).
        geometry: Of the prepared image.

    Returns:
        Class indices on the whole image's grid, uint8, or uint16 from 257 classes on.

    Raises:
        ShapeError: The probabilities are not on the prepared grid.
    """
    require_shape(probabilities.shape[1:], geometry.prepared_shape, "probabilities on the prepared grid")
    highest = restore_to_box(probabilities[0], geometry).copy()
    winner = np.zeros(geometry.box_shape, dtype=_label_dtype(len(probabilities)))
    for index in range(1, len(probabilities)):
        candidate = restore_to_box(probabilities[index], geometry)
        higher = candidate > highest
        winner[higher] = index
        np.copyto(highest, candidate, where=higher)
    full = np.zeros(geometry.full_shape, dtype=winner.dtype)
    full[box_slices(geometry.box)] = winner
    return full


def restore_all_probabilities(
    probabilities: NDArray[np.float32], geometry: CaseGeometry, *, temperature: float = 1.0
) -> NDArray[np.float32]:
    """Bring every class's probability back to the whole image's grid; outside the box background is 1.

    Args:
        probabilities: (K, *prepared_shape).
        geometry: Of the prepared image.
        temperature: See `univox.metrics.tempered`; it comes after resampling, so that no label changes.

    Returns:
        (K, *full_shape).

    Raises:
        ShapeError: The probabilities are not on the prepared grid.
    """
    require_shape(probabilities.shape[1:], geometry.prepared_shape, "probabilities on the prepared grid")
    full = np.zeros((len(probabilities), *geometry.full_shape), dtype=np.float32)
    full[0] = 1
    inside = full[(slice(None), *box_slices(geometry.box))]
    for index, probability in enumerate(probabilities):
        inside[index] = tempered_share(restore_to_box(probability, geometry), 1.0 / temperature)
    if temperature != 1.0:
        inside /= inside.sum(axis=0)
    return full


def restore_entropy(
    probabilities: NDArray[np.float32], geometry: CaseGeometry, *, temperature: float = 1.0
) -> NDArray[np.float32]:
    """Measure how undecided each voxel of the whole image is; 0 outside the box, which is background by rule.

    It is the entropy of what `restore_all_probabilities` gives, but class after class, so that memory holds a few
    maps however many classes there are. Resampling the prepared grid's entropy would be cheaper still and wrong:
    between two sure voxels of different classes lies an unsure one, whose neighbors' entropies are both 0.

    Args:
        probabilities: (K, *prepared_shape).
        geometry: Of the prepared image.
        temperature: See `univox.metrics.tempered`.

    Returns:
        (*full_shape), from 0 (one class is certain) to 1 (all are equally likely).

    Raises:
        ShapeError: The probabilities are not on the prepared grid.
    """
    require_shape(probabilities.shape[1:], geometry.prepared_shape, "probabilities on the prepared grid")
    running = RunningEntropy(geometry.box_shape, temperature)
    for probability in probabilities:
        running.add(restore_to_box(probability, geometry))
    full = np.zeros(geometry.full_shape, dtype=np.float32)
    full[box_slices(geometry.box)] = running.normalized()
    return full


def restore_to_box(probability: NDArray[np.float32], geometry: CaseGeometry) -> NDArray[np.float32]:
    """Bring one class's probability back to the voxels of the box.

    Args:
        probability: (*prepared_shape).
        geometry: Of the prepared image.

    Returns:
        (*box_shape); the array itself where nothing was resampled.
    """
    if geometry.box_shape == geometry.prepared_shape:
        return np.asarray(probability, dtype=np.float32)
    return resample(probability, geometry.box_shape, order=1)


def _label_dtype(num_classes: int) -> type[np.uint8] | type[np.uint16]:
    return np.uint8 if num_classes <= 256 else np.uint16
