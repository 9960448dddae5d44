"""A label map after its post-processing: pieces dropped, holes filled, class by class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from univox.errors import ModelError, ShapeError
from univox.image.morphology import components, filled, largest_component, without_small
from univox.metrics import extent, extent_unit
from univox.model.postprocessing import PostprocessingStep
from univox.types import SpacingMM

SAME_SIZE = 1e-5
"""Share by which a piece may fall short of a least size: spacings are kept with six digits."""

LabelMap = TypeVar("LabelMap", bound=NDArray[np.integer])


def postprocessed(
    label: LabelMap, steps: Iterable[PostprocessingStep], class_names: Sequence[str], spacing_mm: SpacingMM
) -> LabelMap:
    """Apply steps to a label map.

    First every class loses its pieces, then holes are filled. What is removed becomes background, and a hole is filled
    only where it holds nothing but background: no voxel goes from one class of the foreground to another. The order of
    the classes makes no difference, and doing it twice is doing it once.

    Args:
        label: Class indices (*spatial); left as it is.
        steps: Whatever order.
        class_names: By index, the background first.
        spacing_mm: Voxel edge per axis, array order.

    Returns:
        A label map of the same type.

    Raises:
        ModelError: A step is of a class that is not in the foreground, or of another number of axes.
        ShapeError: The spacing is of another number of axes.

    >>> speck = PostprocessingStep(class_name="cell", kind="least_mm2", size=2.0)
    >>> postprocessed(np.array([[1, 1, 0, 1]]), [speck], ("background", "cell"), (1.0, 1.0)).tolist()
    [[1, 1, 0, 0]]
    """
    if len(spacing_mm) != label.ndim:
        raise ShapeError(
            expected=f"one spacing per axis, {label.ndim}", got=str(len(spacing_mm)), remedy="give the label's own"
        )
    done = label.copy()
    # Removals come first: a speck that lies in another class's hole would keep the hole from being filled.
    for step in sorted(steps, key=lambda step: step.kind == "fill"):
        index = class_index(step, class_names)
        box = box_of(np.asarray(done == index, dtype=bool))
        if box is not None:
            # Beyond the box of a class lie none of its pieces and none of its holes.
            _apply(done[box], index, step, spacing_mm)
    return done


def class_index(step: PostprocessingStep, class_names: Sequence[str]) -> int:
    """Find a step's class.

    Raises:
        ModelError: It is not in the foreground.
    """
    names = list(class_names)
    if step.class_name not in names[1:]:
        raise ModelError(
            expected=f"post-processing of the classes {', '.join(names[1:])}",
            got=repr(step.class_name),
            remedy="choose it again (univox postprocess), or --remove it",
        )
    return names.index(step.class_name)


def least_voxels(size: float, spacing_mm: SpacingMM) -> int:
    """Give the fewest voxels that reach a size.

    Args:
        size: In mL in 3-D, in mm2 in 2-D.
        spacing_mm: Voxel edge per axis.

    >>> least_voxels(0.01, (1.0, 1.0, 2.5)), least_voxels(0.3, (0.1, 1.0)), least_voxels(0.31, (0.1, 1.0))
    (4, 3, 4)
    """
    voxel = float(extent(np.array([1]), tuple(spacing_mm))[0])
    return max(1, math.ceil(size / voxel * (1 - SAME_SIZE)))


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    """Give the smallest box that holds a mask; None of an empty one.

    >>> box_of(np.array([[False, False], [False, True]]))
    (slice(1, 2, None), slice(1, 2, None))
    """
    return ndimage.find_objects(mask.astype(np.uint8))[0] if mask.any() else None


def _apply(part: NDArray[np.integer], index: int, step: PostprocessingStep, spacing_mm: SpacingMM) -> None:
    mask = np.asarray(part == index, dtype=bool)
    if step.kind == "fill":
        part[_clean_holes(part, mask)] = index
    elif step.kind == "largest":
        part[mask & ~largest_component(mask)] = 0
    else:
        unit = extent_unit(len(spacing_mm))
        if step.kind != f"least_{unit}" or step.size is None:
            raise ModelError(
                expected=f"a least size in {unit}, as the image has {len(spacing_mm)} axes",
                got=step.kind,
                remedy="choose the post-processing again (univox postprocess)",
            )
        part[mask & ~without_small(mask, least_voxels(step.size, spacing_mm))] = 0


def _clean_holes(part: NDArray[np.integer], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Give the holes of a mask that hold nothing but background."""
    holes = filled(mask) & ~mask
    numbered, sizes = components(holes)
    clean = np.ones(len(sizes) + 1, dtype=bool)
    clean[numbered[holes & (part != 0)]] = False
    clean[0] = False
    return clean[numbered]
