"""A sheet of training patches: what the network sees, with the labels that go with it."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from univox.data.batches import Batches
from univox.data.classes import NOT_ANNOTATED
from univox.judging.overlays import windowed
from univox.judging.palette import class_color

COLUMNS = 6
INCHES = 2.0


def patch_sheet(batches: Batches, *, count: int = 24) -> bytes:
    """Draw the first `count` patches of a run's batches; in 3-D the plane across the first axis with most label.

    Args:
        batches: As training would take them, augmentation included.
        count: Patches on the sheet.

    Returns:
        A PNG.
    """
    items = _first_patches(batches, count)
    rows = -(-len(items) // COLUMNS)
    figure = Figure(figsize=(COLUMNS * INCHES, rows * (INCHES + 0.25)), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    grid = figure.subplots(rows, COLUMNS, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    for axes, (image, label, name) in zip(grid.ravel(), items, strict=False):
        plane, classes = _plane(image, np.where(label == NOT_ANNOTATED, 0, label))
        axes.imshow(windowed(plane), cmap="gray", vmin=0, vmax=1, origin="lower")
        for index in range(1, int(classes.max()) + 1):
            mask = classes == index
            if mask.any() and not mask.all():
                axes.contour(mask, [0.5], colors=[class_color(index - 1)], linewidths=1.0)
        axes.set_title(name, fontsize=7)
    stream = io.BytesIO()
    canvas.print_png(stream)
    return stream.getvalue()


def _first_patches(batches: Batches, count: int) -> list[tuple[np.ndarray, np.ndarray, str]]:
    items: list[tuple[np.ndarray, np.ndarray, str]] = []
    iteration = 0
    while len(items) < count:
        batch = batches.batch(iteration)
        arrays = zip(batch.image.numpy(), batch.label.numpy(), batch.names, strict=True)
        items.extend(arrays)
        iteration += 1
    return items[:count]


def _plane(image: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if label.ndim == 2:
        return image[0], label
    labelled = (label > 0).sum(axis=(1, 2))
    index = int(labelled.argmax()) if labelled.any() else label.shape[0] // 2
    return image[0, index], label[index]
