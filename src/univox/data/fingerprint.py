"""What is measured on each training case, and pooled over all of them."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from univox.data.case import Case
from univox.data.classes import NOT_ANNOTATED
from univox.data.crop import box_slices, crop_box
from univox.data.dataset import Dataset, read_case_image, read_case_label
from univox.data.every_case import every_case
from univox.data.preprocess import finite_float32
from univox.errors import DatasetError, GeometryError
from univox.parallel import OnProgress
from univox.types import SpacingMM, SpatialShape

VOXELS_PER_CASE = 10_000
"""Foreground voxels drawn from a case, at most, so that large cases do not outvote the others."""
ANISOTROPIC_SET = 3.0
"""From this ratio of coarsest to finest median spacing the coarse axis aims finer than its median."""
COARSE_PERCENTILE = 10.0
"""Percentile of the spacings that the coarse axis of such a set aims at."""


@dataclass(frozen=True)
class Fingerprint:
    """One case, measured inside its crop.

    Attributes:
        shape: Spatial shape of the crop.
        spacing_mm: As stored.
        class_counts: Voxels by class index; those that nobody labelled are in none.
        foreground: (C, n) intensities of at most `VOXELS_PER_CASE` foreground voxels.
        minimum, maximum: Per channel over all foreground voxels; empty where there are none.
    """

    shape: SpatialShape
    spacing_mm: SpacingMM
    class_counts: tuple[int, ...]
    foreground: NDArray[np.float32]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]


class ChannelIntensity(BaseModel):
    """Intensities of one channel over the foreground of the training cases."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mean: float
    sd: float
    minimum: float
    maximum: float
    percentile_00_5: float
    percentile_99_5: float


def measure_cases(
    dataset: Dataset,
    cases: Sequence[Case],
    *,
    crop: Literal["nonzero", "nonzero-first-channel", "none"],
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> list[Fingerprint]:
    """Measure each case.

    Raises:
        DatasetError: Cases that cannot be read, or whose image, label and dataset disagree; names them all.
    """
    measure = functools.partial(measure_case, crop=crop)
    return every_case(measure, dataset, cases, done="measured", jobs=jobs, on_progress=on_progress)


def measure_case(
    case: Case, *, dataset: Dataset, crop: Literal["nonzero", "nonzero-first-channel", "none"]
) -> Fingerprint:
    """Measure one case.

    Raises:
        UnivoxError: It cannot be read, or its image, label and dataset disagree.
    """
    image = read_case_image(dataset, case)
    label = read_case_label(dataset, case).array
    if image.spatial_dims != dataset.spatial_dims or image.spatial_shape != label.shape:
        raise GeometryError(
            expected=f"a {dataset.spatial_dims}-D image and a label on its grid",
            got=f"an image of {list(image.spatial_shape)} and a label of {list(label.shape)} voxels",
            remedy="store the label on the grid of its image",
        )
    box = crop_box(image.array, crop)
    slices = box_slices(box)
    cropped = finite_float32(image.array[(slice(None), *slices)], image.channel_names)
    kept = label[slices]
    num_classes = dataset.classes.num_classes
    counts = np.bincount(kept.ravel(), minlength=num_classes)[:num_classes]
    foreground = cropped[:, (kept > 0) & (kept != NOT_ANNOTATED)]
    return Fingerprint(
        shape=tuple(stop - start for start, stop in box),
        spacing_mm=image.spacing_mm,
        class_counts=tuple(int(count) for count in counts),
        foreground=_drawn(foreground),
        minimum=tuple(float(value) for value in foreground.min(axis=1)) if foreground.size else (),
        maximum=tuple(float(value) for value in foreground.max(axis=1)) if foreground.size else (),
    )


def median_spacing(fingerprints: Sequence[Fingerprint]) -> SpacingMM:
    """Find the spacing that fits the set.

    The median per axis. In an anisotropic set most cases would lose slices to the median of the coarsest
    axis; that one takes the 10th percentile, though never finer than the axis next to it.

    Returns:
        mm per axis, six significant digits.
    """
    spacings = np.array([fingerprint.spacing_mm for fingerprint in fingerprints])
    median = np.median(spacings, axis=0)
    if median.max() >= ANISOTROPIC_SET * median.min():
        coarse = int(np.argmax(median))
        aimed = np.percentile(spacings[:, coarse], COARSE_PERCENTILE)
        median[coarse] = max(aimed, np.delete(median, coarse).max())
    return tuple(significant(edge) for edge in median)


def median_shape(shapes: Sequence[SpatialShape]) -> SpatialShape:
    """Give the median size per axis, rounded up."""
    return tuple(math.ceil(size) for size in np.median(np.array(shapes), axis=0))


def pooled_intensity(fingerprints: Sequence[Fingerprint]) -> tuple[ChannelIntensity, ...]:
    """Pool the foreground intensities of all cases, per channel.

    Raises:
        DatasetError: No case has any foreground.
    """
    marked = [fingerprint for fingerprint in fingerprints if fingerprint.minimum]
    if not marked:
        raise DatasetError(
            expected="foreground in at least one training case",
            got=f"background only in all {len(fingerprints)}",
            remedy="check the label files and the choice of classes",
        )
    return tuple(_channel_intensity(marked, channel) for channel in range(len(marked[0].minimum)))


def class_frequencies(fingerprints: Sequence[Fingerprint]) -> tuple[float, ...]:
    """Give the share of all cropped voxels that somebody labelled which each class has, by class index."""
    counts = np.sum([fingerprint.class_counts for fingerprint in fingerprints], axis=0)
    return tuple(significant(count / counts.sum()) for count in counts)


def significant(value: float) -> float:
    """Round to six significant digits: what a plan states should be readable, and hold on any machine."""
    return float(f"{value:.6g}")


def _channel_intensity(fingerprints: Sequence[Fingerprint], channel: int) -> ChannelIntensity:
    # Sorted, so that a sum does not depend on the order of the cases.
    voxels = np.sort(np.concatenate([fingerprint.foreground[channel] for fingerprint in fingerprints]))
    low, high = np.percentile(voxels, (0.5, 99.5))
    return ChannelIntensity(
        mean=significant(np.mean(voxels, dtype=np.float64)),
        sd=significant(np.std(voxels, dtype=np.float64)),
        minimum=min(fingerprint.minimum[channel] for fingerprint in fingerprints),
        maximum=max(fingerprint.maximum[channel] for fingerprint in fingerprints),
        percentile_00_5=significant(low),
        percentile_99_5=significant(high),
    )


def _drawn(foreground: NDArray[np.float32]) -> NDArray[np.float32]:
    count = foreground.shape[1]
    if count <= VOXELS_PER_CASE:
        return foreground
    # The seed is the case's own size: no draw depends on another case or on the order of work.
    chosen = np.random.default_rng(count).choice(count, VOXELS_PER_CASE, replace=False)
    return foreground[:, np.sort(chosen)]
