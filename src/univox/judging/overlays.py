"""A case as pictures: image slices with the contours of label and prediction."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from univox.errors import ShapeError
from univox.judging.palette import class_color

Array: TypeAlias = NDArray[Any]

LONG_EDGE_PIXELS = 460
SHORT_EDGE_PIXELS = 120
PERCENTILES = (0.5, 99.5)
"""Of the gray values above the least, which is background: shown as black and white; the rest saturates."""
MARGIN = 0.3
"""Surroundings shown on each side of what is labelled, as a share of its longest edge in mm."""
DASHES = (0, (2.2, 1.6))


@dataclass(frozen=True)
class View:
    """How one plane is looked at.

    Args:
        title: Its name.
        axis: The spatial axis that is cut.
        flips: Whether rows, columns run against the array's order on the screen.
        letters: What lies at the left, right, top and bottom edge; empty where nobody knows.
    """

    title: str
    axis: int
    flips: tuple[bool, bool] = (False, False)
    letters: tuple[str, str, str, str] = ("", "", "", "")


# D runs up, H forward, W to the person's right; which is shown on the left, as radiologists look at people.
ANATOMICAL = (
    View("axial", 0, (True, True), ("R", "L", "A", "P")),
    View("coronal", 1, (True, True), ("R", "L", "S", "I")),
    View("sagittal", 2, (True, True), ("A", "P", "S", "I")),
)
AS_STORED = (View("page", 0), View("row", 1), View("column", 2))


@dataclass(frozen=True)
class Picture:
    """One plane of a case.

    Args:
        title: Plane and slice, such as "axial, slice 12 of 40"; empty in 2-D.
        png: The encoded picture.
        width: Pixels.
        height: Pixels.
    """

    title: str
    png: bytes
    width: int
    height: int


def overlays(
    image: Array, label: Array, prediction: Array, *, spacing_mm: tuple[float, ...], oriented: bool
) -> tuple[Picture, ...]:
    """Cut a case where label and prediction differ most, and draw both as contours.

    The label is a solid line, the prediction a dashed one, each class in its color.

    Args:
        image: (C, D, H, W) or (C, H, W); three channels in 2-D are shown as color, else the first is shown.
        label: Class indices, (D, H, W) or (H, W).
        prediction: The same.
        spacing_mm: Voxel edge per axis, array order.
        oriented: The axes have anatomical meaning; without it they are shown as stored.

    Returns:
        Three planes in 3-D, one in 2-D.

    Raises:
        ShapeError: The shapes do not fit together.
    """
    if not image.shape[1:] == label.shape == prediction.shape or label.ndim not in (2, 3):
        raise ShapeError(
            expected=f"label and prediction on the image's grid of {image.shape[1:]}, in 2-D or 3-D",
            got=f"{label.shape} and {prediction.shape}",
            remedy="read all three from one case",
        )
    box = _surroundings(label, prediction, spacing_mm)
    if label.ndim == 2:
        pixels = np.moveaxis(image, 0, -1) if image.shape[0] == 3 else image[0]
        planes = [windowed(pixels)[box], label[box], prediction[box]]
        return (_picture("", planes, spacing_mm, View("", 0)),)
    center = most_disagreement(label, prediction)
    shown = windowed(image[0])
    pictures: list[Picture] = []
    for view in ANATOMICAL if oriented else AS_STORED:
        planes = [plane_of(view, array, center, box) for array in (shown, label, prediction)]
        title = f"{view.title}, slice {center[view.axis] + 1} of {label.shape[view.axis]}"
        spacing = tuple(edge for axis, edge in enumerate(spacing_mm) if axis != view.axis)
        pictures.append(_picture(title, planes, spacing, view))
    return tuple(pictures)


def most_disagreement(label: Array, prediction: Array) -> tuple[int, ...]:
    """Find, along each axis, the slice with most voxels that differ; the larger labelled area breaks ties.

    Without any difference that is the slice with the largest labelled area, in an empty case the middle one.

    >>> label = np.zeros((5, 4), int)
    >>> label[1:4, 1:3] = 1
    >>> prediction = label.copy()
    >>> prediction[3, 1:3] = 0
    >>> most_disagreement(label, prediction)
    (3, 2)
    """
    wrong, marked = label != prediction, (label > 0) | (prediction > 0)
    center: list[int] = []
    for axis, size in enumerate(label.shape):
        others = tuple(other for other in range(label.ndim) if other != axis)
        off_middle = np.abs(np.arange(size) - (size - 1) / 2)
        order = np.lexsort((-off_middle, marked.sum(axis=others), wrong.sum(axis=others)))
        center.append(int(order[-1]))
    return tuple(center)


def windowed(image: Array) -> NDArray[np.float64]:
    """Map the bulk of an image's values to 0..1; what lies outside saturates, what is not finite is black."""
    finite = np.isfinite(image)
    if not finite.any():
        return np.zeros(image.shape)
    values = image[finite]
    low, high = float(values.min()), float(values.max())
    bulk = values[values > low]
    if bulk.size:
        narrow_low, narrow_high = (float(value) for value in np.percentile(bulk, PERCENTILES))
        # Two values and no more (a mask): its extremes are all that there is to show.
        low, high = (narrow_low, narrow_high) if narrow_low < narrow_high else (low, high)
    scaled = (np.where(finite, image, low).astype(np.float64) - low) / ((high - low) or 1.0)
    return np.clip(scaled, 0.0, 1.0)


def plane_of(view: View, array: Array, center: tuple[int, ...], box: tuple[slice, ...]) -> Array:
    """Cut one plane out of a (D, H, W) array and turn it as the screen shows it: (rows, columns)."""
    index = tuple(center[axis] if axis == view.axis else box[axis] for axis in range(array.ndim))
    rows, columns = (slice(None, None, -1 if flip else 1) for flip in view.flips)
    return array[index][rows, columns]


def _surroundings(label: Array, prediction: Array, spacing_mm: tuple[float, ...]) -> tuple[slice, ...]:
    """Box around what is labelled, with a margin; the whole image where nothing is."""
    marked = np.nonzero((label > 0) | (prediction > 0))
    if not marked[0].size:
        return tuple(slice(0, size) for size in label.shape)
    starts, stops = [int(i.min()) for i in marked], [int(i.max()) + 1 for i in marked]
    edges_mm = [(stop - start) * mm for start, stop, mm in zip(starts, stops, spacing_mm, strict=True)]
    margins = [int(np.ceil(MARGIN * max(edges_mm) / edge)) for edge in spacing_mm]
    return tuple(
        slice(max(0, start - margin), min(size, stop + margin))
        for start, stop, margin, size in zip(starts, stops, margins, label.shape, strict=True)
    )


def _picture(title: str, planes: list[Array], spacing_mm: tuple[float, ...], view: View) -> Picture:
    shown, label, prediction = planes
    height_mm, width_mm = (size * edge for size, edge in zip(label.shape, spacing_mm, strict=True))
    scale = LONG_EDGE_PIXELS / max(height_mm, width_mm)
    height, width = (max(SHORT_EDGE_PIXELS, round(edge * scale)) for edge in (height_mm, width_mm))
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="black")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.imshow(shown, cmap="gray", vmin=0.0, vmax=1.0, interpolation="bilinear")
    axes.set_aspect(spacing_mm[0] / spacing_mm[1])
    for index in range(1, int(max(label.max(), prediction.max())) + 1):
        _contour(axes, label == index, class_color(index - 1), "solid")
        _contour(axes, prediction == index, class_color(index - 1), DASHES)
    axes.set_xlim(-0.5, label.shape[1] - 0.5)
    axes.set_ylim(label.shape[0] - 0.5, -0.5)
    for letter, (x, y) in zip(view.letters, ((0.03, 0.5), (0.97, 0.5), (0.5, 0.96), (0.5, 0.04)), strict=True):
        text = axes.text(x, y, letter, transform=axes.transAxes, color="white", ha="center", va="center")
        text.set_path_effects([withStroke(linewidth=2.5, foreground="black")])
    stream = io.BytesIO()
    canvas.print_png(stream)
    return Picture(title, stream.getvalue(), width, height)


def _contour(axes: Axes, mask: NDArray[np.bool_], color: str, linestyle: Any) -> None:
    if not mask.any():
        return
    # A rim of outside closes the contour of a mask that touches the picture's edge.
    padded = np.pad(mask, 1).astype(np.float64)
    rows, columns = (np.arange(-1, size + 1) for size in mask.shape)
    axes.contour(columns, rows, padded, [0.5], colors=[color], linewidths=1.7, linestyles=[linestyle])
