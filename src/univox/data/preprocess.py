"""Prepare an image and its label for a network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import NOT_ANNOTATED
from univox.data.crop import Box, box_slices, crop_box
from univox.data.normalize import normalize_intensity
from univox.data.preprocess_settings import Preprocessing
from univox.errors import DatasetError, LabelError, RecipeError, ShapeError
from univox.image import Image, resample, resample_label, resampled_shape
from univox.types import SpacingMM, SpatialShape

SAME_SPACING = 1e-3
"""Spacings that differ by less, relatively, are one spacing: the axis keeps its voxels."""
ANISOTROPIC = 3.0
"""From this ratio of coarsest to finest spacing an axis is interpolated by itself, linearly."""


@dataclass(frozen=True)
class CaseGeometry:
    """How a prepared array lies in the image that it was made of.

    Attributes:
        full_shape: Spatial shape of the whole image, canonical.
        box: (start, stop) per axis of what was kept.
        prepared_shape: Spatial shape after resampling the box.
        spacing_mm: Voxel edges of the prepared array.
    """

    full_shape: SpatialShape
    box: Box
    prepared_shape: SpatialShape
    spacing_mm: SpacingMM

    @property
    def box_shape(self) -> SpatialShape:
        """Spatial shape of the box before resampling."""
        return tuple(stop - start for start, stop in self.box)

    @property
    def image_spacing_mm(self) -> SpacingMM:
        """Voxel edges of the image, within a millionth: those of the prepared array are kept with six digits."""
        sizes = zip(self.spacing_mm, self.prepared_shape, self.box_shape, strict=True)
        return tuple(edge * prepared / size for edge, prepared, size in sizes)

    def to_json(self) -> dict[str, Any]:
        """Give plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> CaseGeometry:
        """Take the values that `to_json` gave, as they come back from a JSON file."""
        return cls(
            full_shape=tuple(int(size) for size in values["full_shape"]),
            box=tuple((int(start), int(stop)) for start, stop in values["box"]),
            prepared_shape=tuple(int(size) for size in values["prepared_shape"]),
            spacing_mm=tuple(float(edge) for edge in values["spacing_mm"]),
        )


def prepare_image(image: Image, settings: Preprocessing) -> tuple[NDArray[np.float32], CaseGeometry]:
    """Crop, clip, normalize and resample an image.

    Intensities are measured before resampling, so that they do not depend on the spacing aimed at and
    a zero background is still exactly zero.

    Args:
        image: As read.
        settings: Resolved: nothing left `auto`.

    Returns:
        The array (C, *spatial) and its place in the image.

    Raises:
        RecipeError: The settings are not resolved, or fit another number of axes or channels.
        DatasetError: An intensity is NaN or infinite.
    """
    if settings.crop == "auto" or not settings.resolved:
        raise RecipeError(
            expected="preprocessing in which nothing is left auto",
            got=settings.model_dump_json(exclude_defaults=True),
            remedy="take the preprocessing of a plan (univox.data.plan.make_plan)",
        )
    box = crop_box(image.array, settings.crop)
    cropped = finite_float32(image.array[(slice(None), *box_slices(box))], image.channel_names)
    normalize_intensity(cropped, settings)
    geometry = case_geometry(image.spatial_shape, image.spacing_mm, box, settings)
    return _resample_image(cropped, geometry.prepared_shape, image.spacing_mm), geometry


def prepare_label(label: NDArray[np.integer], geometry: CaseGeometry, num_classes: int) -> NDArray[np.uint8]:
    """Crop and resample a label as its image was.

    Args:
        label: Class indices (*spatial), on the image's grid; `NOT_ANNOTATED` where nobody labelled.
        geometry: Of the prepared image.
        num_classes: Background included, at most 255.

    Raises:
        ShapeError: The label has another shape than the image had.
    """
    require_shape(label.shape, geometry.full_shape, "a label of the image's shape")
    cropped = np.ascontiguousarray(label[box_slices(geometry.box)])
    if geometry.box_shape != geometry.prepared_shape:
        cropped = resample_label(cropped, geometry.prepared_shape, num_classes, not_annotated=NOT_ANNOTATED)
    return cropped.astype(np.uint8)


def prepare_instances(instances: NDArray[np.integer], geometry: CaseGeometry) -> NDArray[np.int32]:
    """Crop and resample numbers of objects as their image was; each voxel takes the number nearest to it.

    Args:
        instances: 0 on background, one number per object (*spatial), on the image's grid.
        geometry: Of the prepared image.

    Raises:
        ShapeError: They have another shape than the image had.
        LabelError: A number beyond 2 ** 31 - 1.
    """
    require_shape(instances.shape, geometry.full_shape, "numbers on the image's grid")
    cropped = instances[box_slices(geometry.box)]
    if cropped.size and int(cropped.max()) > np.iinfo(np.int32).max:
        raise LabelError(
            expected="objects numbered up to 2 ** 31 - 1", got=f"{int(cropped.max())}", remedy="number them anew from 1"
        )
    if geometry.box_shape == geometry.prepared_shape:
        return np.ascontiguousarray(cropped, dtype=np.int32)
    # Ranks, since float32 holds no large number exactly.
    numbers, ranks = np.unique(cropped, return_inverse=True)
    nearest = resample(ranks.reshape(cropped.shape), geometry.prepared_shape, order=0)
    return numbers[nearest.astype(np.intp)].astype(np.int32)


def case_geometry(full_shape: SpatialShape, spacing_mm: SpacingMM, box: Box, settings: Preprocessing) -> CaseGeometry:
    """Work out the grid on which a case will be prepared.

    An axis whose spacing is the one aimed at, within a thousandth, keeps its voxels.

    Args:
        full_shape: Of the whole image.
        spacing_mm: Of the image.
        box: What is kept of it.
        settings: With a decided spacing.

    Raises:
        RecipeError: The spacing aimed at has another number of axes.
    """
    box_shape = tuple(stop - start for start, stop in box)
    target = settings.spacing_mm
    if isinstance(target, str):
        return CaseGeometry(tuple(full_shape), box, box_shape, tuple(spacing_mm))
    if len(target) != len(box_shape):
        raise RecipeError(
            expected=f"{len(box_shape)} values at preprocessing.spacing_mm, one per axis",
            got=f"{list(target)}",
            remedy="state one spacing per axis in array order, or median, or none",
        )
    resampled = resampled_shape(box_shape, spacing_mm, target)
    shape: list[int] = []
    prepared_spacing: list[float] = []
    for axis, size in enumerate(box_shape):
        same = abs(spacing_mm[axis] - target[axis]) <= SAME_SPACING * target[axis]
        shape.append(size if same else resampled[axis])
        # The extent is kept, so the edge that results is not quite the edge aimed at.
        prepared_spacing.append(float(f"{spacing_mm[axis] * size / shape[axis]:.6g}"))
    return CaseGeometry(tuple(full_shape), box, tuple(shape), tuple(prepared_spacing))


def finite_float32(array: NDArray[np.generic], channel_names: tuple[str, ...]) -> NDArray[np.float32]:
    """Copy intensities to C-ordered float32.

    Args:
        array: (C, *spatial).
        channel_names: For the message.

    Raises:
        DatasetError: Some are NaN, infinite or too large; names the first channel that has them.
    """
    with np.errstate(over="ignore"):
        copied = np.array(array, dtype=np.float32, order="C")
    for name, channel in zip(channel_names, copied, strict=True):
        bad = channel.size - int(np.count_nonzero(np.isfinite(channel)))
        if bad:
            raise DatasetError(
                expected="finite intensities",
                got=f"{bad} voxels of channel '{name}' that are NaN, infinite or beyond float32",
                remedy="mend the file or leave the case out",
            )
    return copied


def require_shape(shape: tuple[int, ...], expected: SpatialShape, what: str) -> None:
    """Prove that an array of a case lies on the grid that it should.

    Raises:
        ShapeError: It has another shape.
    """
    if tuple(shape) != tuple(expected):
        raise ShapeError(
            expected=f"{what}, {list(expected)}",
            got=f"{list(shape)}",
            remedy="use the geometry that came with this case's prepared image",
        )


def _resample_image(array: NDArray[np.float32], shape: SpatialShape, spacing_mm: SpacingMM) -> NDArray[np.float32]:
    if array.shape[1:] == shape:
        return array
    if max(spacing_mm) < ANISOTROPIC * min(spacing_mm):
        return resample(array, shape, order=3)
    # Slices far apart say little of what lies between: a cubic through them overshoots.
    coarse = [ANISOTROPIC * min(spacing_mm) <= edge for edge in spacing_mm]
    sizes = zip(array.shape[1:], shape, coarse, strict=True)
    fine_shape = tuple(old if is_coarse else new for old, new, is_coarse in sizes)
    return resample(resample(array, fine_shape, order=3), shape, order=1)
