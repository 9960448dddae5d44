"""The plan: what was measured on the training cases, and what follows from it for a network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from univox.atomic import write_text
from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.fingerprint import (
    ANISOTROPIC_SET,
    ChannelIntensity,
    Fingerprint,
    class_frequencies,
    measure_cases,
    median_shape,
    median_spacing,
    pooled_intensity,
)
from univox.data.patch_size import (
    SMALLEST_EDGE,
    PatchSizes,
    Strides,
    ideal_edges,
    plan_batch_size,
    plan_patch_size,
    plan_strides,
    total_strides,
)
from univox.data.preprocess import case_geometry
from univox.data.preprocess_settings import Preprocessing
from univox.data.resolve import STATED, decided_crop, resolved_preprocessing
from univox.errors import DatasetError, FileError, RecipeError
from univox.parallel import OnProgress
from univox.types import PathLike, SpacingMM, SpatialShape


class Plan(BaseModel):
    """Measured on training cases, decided for a run; readable JSON on disk.

    Attributes:
        dataset: Its name.
        num_cases: Cases measured.
        spatial_dims: 2 or 3.
        channel_names: As the dataset names them.
        spacing_mm: Of a typical prepared image, array order.
        median_shape: Median spatial shape of the prepared images.
        intensity: Per channel, over the foreground.
        class_frequencies: Share of the cropped voxels by class index.
        patch_size, batch_size: What a batch is made of.
        strides: One tuple per down-sampling, finest first.
        preprocessing: Nothing is left `auto`.
        reasons: One sentence for each value above.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    num_cases: int
    spatial_dims: int
    channel_names: tuple[str, ...]
    spacing_mm: tuple[float, ...]
    median_shape: tuple[int, ...]
    intensity: tuple[ChannelIntensity, ...]
    class_frequencies: tuple[float, ...]
    patch_size: tuple[int, ...]
    batch_size: int
    strides: tuple[tuple[int, ...], ...]
    preprocessing: Preprocessing
    reasons: dict[str, str]

    @property
    def pools(self) -> tuple[int, ...]:
        """How often the down-samplings halve each axis."""
        return tuple(sum(level[axis] == 2 for level in self.strides) for axis in range(self.spatial_dims))

    def write(self, path: PathLike) -> None:
        """Write as JSON, atomically.

        Raises:
            FileError: The file cannot be written.
        """
        text = self.model_dump_json(indent=2)
        # One line for a list of numbers reads better than one line for each.
        lists = re.compile(r'\[\n[^\[\]{}"]*\]')
        text = lists.sub(lambda found: "[" + " ".join(found.group()[1:-1].split()) + "]", text)
        write_text(Path(path), text + "\n")

    @classmethod
    def read(cls, path: PathLike) -> Plan:
        """Read what `write` wrote.

        Raises:
            FileError: The file is missing or no text.
            RecipeError: It is not a plan; names the first field at fault.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileError(
                expected="a readable plan", got=str(error), remedy="check the path", path=Path(path)
            ) from error
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise RecipeError(
                expected="a plan as univox writes it",
                got=f"{first['msg'].lower()} at {place}",
                remedy="delete the file, so that the plan is made anew",
                path=Path(path),
            ) from error


def make_plan(
    dataset: Dataset,
    cases: Sequence[Case],
    *,
    preprocessing: Preprocessing,
    sizes: PatchSizes | None = None,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> Plan:
    """Measure training cases and decide what the recipe leaves `auto`.

    The plan does not depend on the order of the cases, nor on the number of jobs.

    Args:
        dataset: That the cases are of.
        cases: The training cases; each needs a label.
        preprocessing: Of the recipe.
        sizes: Patch and batch of the recipe; left out, all is `auto`.
        jobs: Cases measured at once.
        on_progress: Called after each case.

    Raises:
        DatasetError: No cases, cases that cannot be measured (all are named), or no foreground in any.
        RecipeError: A stated size or spacing has another number of axes than the images.
    """
    if not cases:
        raise DatasetError(
            expected="training cases",
            got="none",
            remedy="check the labels and the split",
            path=dataset.root,
        )
    crop, _ = decided_crop(preprocessing.crop, dataset.spatial_dims)
    fingerprints = measure_cases(dataset, cases, crop=crop, jobs=jobs, on_progress=on_progress)
    return decide_plan(
        dataset.name,
        dataset.channel_names,
        fingerprints,
        preprocessing=preprocessing,
        sizes=PatchSizes() if sizes is None else sizes,
    )


def decide_plan(
    dataset: str,
    channel_names: Sequence[str],
    fingerprints: Sequence[Fingerprint],
    *,
    preprocessing: Preprocessing,
    sizes: PatchSizes,
) -> Plan:
    """Decide a plan from measurements alone; reads nothing.

    Raises:
        DatasetError: No foreground in any case.
        RecipeError: A stated size or spacing has another number of axes than the images.
    """
    intensity = pooled_intensity(fingerprints)
    set_spacing, spacing_reason = _set_spacing(fingerprints)
    resolved, reasons = resolved_preprocessing(
        preprocessing, channel_names=channel_names, spacing_mm=set_spacing, intensity=intensity
    )
    spacing = set_spacing if resolved.spacing_mm == "none" else _numbers(resolved)
    shape = median_shape([_prepared_shape(fingerprint, resolved) for fingerprint in fingerprints])
    patch_size, strides, size_reasons = _patch_and_strides(shape, spacing, sizes)
    batch_size = plan_batch_size(patch_size) if sizes.batch_size == "auto" else sizes.batch_size
    batch_reason = f"{batch_size} patches of {_times(patch_size)} fill the voxel budget of a batch"
    return Plan(
        dataset=dataset,
        num_cases=len(fingerprints),
        spatial_dims=len(shape),
        channel_names=tuple(channel_names),
        spacing_mm=spacing,
        median_shape=shape,
        intensity=intensity,
        class_frequencies=class_frequencies(fingerprints),
        patch_size=patch_size,
        batch_size=batch_size,
        strides=strides,
        preprocessing=resolved,
        reasons={
            "spacing_mm": spacing_reason if spacing == set_spacing else STATED,
            "median_shape": "median size per axis after cropping and resampling, rounded up",
            "intensity": "over the foreground, at most 10,000 voxels of each case so that none outvotes the others",
            "class_frequencies": "share of the voxels inside the crops",
            **size_reasons,
            "batch_size": batch_reason if sizes.batch_size == "auto" else STATED,
            **reasons,
        },
    )


def _set_spacing(fingerprints: Sequence[Fingerprint]) -> tuple[SpacingMM, str]:
    per_axis = np.median([fingerprint.spacing_mm for fingerprint in fingerprints], axis=0)
    if per_axis.max() < ANISOTROPIC_SET * per_axis.min():
        return median_spacing(fingerprints), "median voxel edge per axis"
    reason = (
        f"median voxel edge per axis; axis {int(np.argmax(per_axis))}, the coarsest by far, takes the "
        "10th percentile so that most cases keep their slices"
    )
    return median_spacing(fingerprints), reason


def _numbers(resolved: Preprocessing) -> SpacingMM:
    return tuple(edge for edge in resolved.spacing_mm if isinstance(edge, float))


def _prepared_shape(fingerprint: Fingerprint, resolved: Preprocessing) -> SpatialShape:
    box = tuple((0, size) for size in fingerprint.shape)
    return case_geometry(fingerprint.shape, fingerprint.spacing_mm, box, resolved).prepared_shape


def _patch_and_strides(
    shape: SpatialShape, spacing_mm: SpacingMM, sizes: PatchSizes
) -> tuple[SpatialShape, Strides, dict[str, str]]:
    spatial_dims = len(shape)
    stated = sizes.edges(spatial_dims)
    voxels = sizes.voxels(spatial_dims)
    strides = plan_strides(stated or ideal_edges(shape, voxels), spacing_mm, sizes.levels)
    strides_reason = (
        f"{len(strides)} of {sizes.levels} down-samplings: an axis is halved while it keeps {SMALLEST_EDGE} "
        "voxels and its spacing is within a factor of two of the finest"
    )
    if stated is not None:
        return stated, strides, {"patch_size": STATED, "strides": strides_reason}
    multiples = total_strides(strides, spatial_dims)
    patch_size = plan_patch_size(shape, multiples, voxels)
    patch_reason = (
        f"the box of at most about {voxels:,} voxels that is most like the median shape, with edges that are "
        f"multiples of {_times(multiples)}"
    )
    return patch_size, strides, {"patch_size": patch_reason, "strides": strides_reason}


def _times(edges: tuple[int, ...]) -> str:
    return "x".join(str(edge) for edge in edges)
