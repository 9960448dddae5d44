"""A sparsely annotated volume as one picture: what was annotated, what was filled in, and the whole label."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.typing import NDArray

from univox.data.classes import NOT_ANNOTATED
from univox.image import Image
from univox.judging.overlays import ANATOMICAL, AS_STORED, View, plane_of, windowed
from univox.judging.palette import class_color

Array = NDArray[Any]

TITLES = ("annotated", "filled in", "whole label")
OPACITY = 0.55
INCHES = 2.6


def sparse_picture(image: Image, sparse: Array, prediction: Array, whole: Array, axes: Sequence[int]) -> bytes:
    """Draw three planes of a volume, each as it was annotated, as it was filled in, and as it is labelled.

    Each plane lies halfway between two annotated slices near the middle of the label: where least is known of it.

    Args:
        image: Of the case.
        sparse: Class indices, `NOT_ANNOTATED` outside of annotated slices.
        prediction: Class indices; where the case is annotated the annotation is shown in its place.
        whole: Class indices.
        axes: Across which slices were annotated.

    Returns:
        A PNG.
    """
    known = sparse != NOT_ANNOTATED
    maps = (np.where(known, sparse, 0), np.where(known, sparse, prediction), np.where(whole == NOT_ANNOTATED, 0, whole))
    center = tuple(unknown_position(sparse, whole, axis, sliced=axis in axes) for axis in range(3))
    box = _surroundings(whole)
    shown = windowed(image.array[0])
    views = ANATOMICAL if image.stored.oriented else AS_STORED
    figure = Figure(figsize=(3 * INCHES, 3 * INCHES), dpi=110, facecolor="black", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.subplots(3, 3)
    for row, view in zip(grid, views, strict=True):
        for panel, classes, title in zip(row, maps, TITLES, strict=True):
            outside = None if classes is not maps[0] else plane_of(view, ~known, center, box)
            _draw(panel, view, plane_of(view, shown, center, box), plane_of(view, classes, center, box), outside)
            panel.set_aspect(_aspect(view, image.spacing_mm))
            if view is views[0]:
                panel.set_title(title, color="white", fontsize=11)
        row[0].text(0.02, 0.98, view.title, transform=row[0].transAxes, color="white", va="top", fontsize=8)
    stream = io.BytesIO()
    canvas.print_png(stream)
    return stream.getvalue()


def unknown_position(sparse: Array, whole: Array, axis: int, *, sliced: bool) -> int:
    """Give the position along an axis halfway between the two annotated slices about the middle of the label.

    >>> label = np.ones((9, 2), np.uint8)
    >>> sparse = np.full((9, 2), NOT_ANNOTATED, np.uint8)
    >>> sparse[[0, 8]] = 1
    >>> unknown_position(sparse, label, 0, sliced=True)
    4
    """
    others = tuple(other for other in range(sparse.ndim) if other != axis)
    rows = np.flatnonzero(((whole > 0) & (whole != NOT_ANNOTATED)).any(axis=others))
    middle = int(rows[len(rows) // 2]) if len(rows) else sparse.shape[axis] // 2
    slices = np.flatnonzero((sparse != NOT_ANNOTATED).all(axis=others))
    if not sliced or not len(slices) or len(slices) == sparse.shape[axis]:
        return middle
    below, above = slices[slices <= middle], slices[slices > middle]
    first = int(below[-1]) if len(below) else int(rows[0])
    last = int(above[0]) if len(above) else int(rows[-1])
    return (first + last) // 2


def _draw(panel: Axes, view: View, plane: Array, classes: Array, outside: Array | None) -> None:
    panel.set_axis_off()
    panel.imshow(plane, cmap="gray", vmin=0, vmax=1)
    paint = np.zeros((*classes.shape, 4))
    for index in range(1, int(classes.max()) + 1):
        paint[classes == index] = to_rgba(class_color(index - 1), OPACITY)
    if outside is not None:
        # What nobody labelled is dimmed, so that annotated background shows too.
        paint[outside] = (0.0, 0.0, 0.0, OPACITY)
    panel.imshow(paint, interpolation="nearest")


def _aspect(view: View, spacing_mm: Sequence[float]) -> float:
    rows, columns = (edge for axis, edge in enumerate(spacing_mm) if axis != view.axis)
    return rows / columns


def _surroundings(whole: Array) -> tuple[slice, ...]:
    marked = np.nonzero((whole > 0) & (whole != NOT_ANNOTATED))
    if not marked[0].size:
        return tuple(slice(0, size) for size in whole.shape)
    starts = [max(0, int(found.min()) - 4) for found in marked]
    return tuple(slice(first, int(found.max()) + 5) for first, found in zip(starts, marked, strict=True))
