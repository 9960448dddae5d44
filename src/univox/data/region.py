"""The region that one segmentation points out to the next: a mask made whole, and the box around it."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from univox.data.crop import Box
from univox.errors import DatasetError
from univox.image.morphology import closed, components, filled, without_small
from univox.types import SpacingMM

Share = Annotated[float, Field(ge=0, le=1)]
Millimetres = Annotated[float, Field(ge=0, le=1000)]


class Region(BaseModel):
    """How a region is made of a class map.

    Attributes:
        classes: Names of the classes that it is made of; none: all but the background.
        least_piece: Pieces below this share of the largest one's voxels do not count; 0: all count, 1: the largest
            alone. The usual tenth drops specks and keeps both of two lungs or kidneys.
        closing_mm: Radius of the ball that bridges gaps.
        fill: What the region encloses belongs to it.
        margin_mm: Surroundings that are kept on each side of its box.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[str, ...] = ()
    least_piece: Share = 0.1
    closing_mm: Millimetres = 0.0
    fill: bool = True
    margin_mm: Millimetres = 10.0

    def mask(self, label: NDArray[Any], class_names: tuple[str, ...], spacing_mm: SpacingMM) -> NDArray[np.bool_]:
        """Give the region of a class map.

        Args:
            label: Class indices (*spatial).
            class_names: Of the map, background first.
            spacing_mm: Voxel edge per axis, array order.

        Raises:
            DatasetError: The map has no class of such a name.
        """
        region = np.isin(label, self.indices(class_names))
        sizes = components(region)[1]
        if sizes.size:
            region = without_small(region, math.ceil(self.least_piece * int(sizes.max())))
        region = closed(region, self.closing_mm, spacing_mm)
        return filled(region) if self.fill else region

    def box(self, label: NDArray[Any], class_names: tuple[str, ...], spacing_mm: SpacingMM) -> Box:
        """Give the region's box with its margin, inside the image; the whole image where there is no region.

        >>> label = np.zeros((9, 9), int)
        >>> label[4, 3:5] = 1
        >>> Region(margin_mm=4).box(label, ("background", "organ"), (2.0, 4.0))
        ((2, 7), (2, 6))
        """
        region = self.mask(label, class_names, spacing_mm)
        box: list[tuple[int, int]] = []
        for axis, (size, edge) in enumerate(zip(label.shape, spacing_mm, strict=True)):
            occupied = np.flatnonzero(region.any(axis=tuple(other for other in range(label.ndim) if other != axis)))
            if not occupied.size:
                return tuple((0, size) for size in label.shape)
            margin = math.ceil(self.margin_mm / edge)
            box.append((max(0, int(occupied[0]) - margin), min(size, int(occupied[-1]) + 1 + margin)))
        return tuple(box)

    def indices(self, class_names: tuple[str, ...]) -> list[int]:
        """Give the indices of the region's classes.

        Raises:
            DatasetError: There is no class of such a name.
        """
        unknown = [name for name in self.classes if name not in class_names[1:]]
        if unknown:
            raise DatasetError(
                expected=f"a region of the classes {', '.join(class_names[1:])}",
                got=unknown[0],
                remedy="name these, separated by commas",
            )
        return [class_names.index(name) for name in self.classes] or list(range(1, len(class_names)))
