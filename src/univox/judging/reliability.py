"""Whether the probabilities beside the predictions mean what they say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox import metrics
from univox.data.classes import NOT_ANNOTATED
from univox.data.prediction_folder import probabilities_file
from univox.errors import FileError, GeometryError, UnivoxError
from univox.image import Label, grid_difference, image_stem, read_image


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence beside accuracy, counted in two sets of voxels.

    Both sets are chosen without looking at the label: a set chosen by it would make right probabilities look wrong.

    Args:
        foreground: Voxels whose predicted class is not the background.
        everywhere: All voxels; of most images nearly all are easy background.
    """

    foreground: metrics.Calibration
    everywhere: metrics.Calibration

    def __add__(self, other: Reliability) -> Reliability:
        """Voxels of both, as of two cases."""
        return Reliability(self.foreground + other.foreground, self.everywhere + other.everywhere)


def reliability_of(parts: Iterable[Reliability | None]) -> Reliability | None:
    """Add up the cases that have probabilities; none where no case has."""
    known = [part for part in parts if part is not None]
    return reduce(add, known) if known else None


def measure_reliability(
    prediction_file: Path, label: Label, prediction: NDArray[Any]
) -> tuple[Reliability | None, str]:
    """Measure the probabilities that `univox predict --save-probabilities` left beside a prediction.

    Args:
        prediction_file: The predicted label's file.
        label: Class indices, `univox.data.classes.NOT_ANNOTATED` where nobody labelled: such voxels do not count.
        prediction: Class indices on the label's grid.

    Returns:
        The measurement, and "" or why there is none; (None, "") where no probabilities were kept.
    """
    path = probabilities_file(prediction_file.parent, image_stem(prediction_file), label.spatial_dims)
    if not path.is_file():
        return None, ""
    try:
        probabilities = _read(path, label)
        _refuse_those_of_another(probabilities, prediction, path)
        annotated = label.array != NOT_ANNOTATED
        chosen = (prediction > 0) & annotated
        return (
            Reliability(
                metrics.measure_calibration(probabilities, label.array, within=chosen),
                metrics.measure_calibration(probabilities, label.array, within=annotated),
            ),
            "",
        )
    except UnivoxError as error:
        return None, str(error)


def _read(path: Path, label: Label) -> NDArray[np.floating[Any]]:
    if path.suffix != ".npy":
        image = read_image(path)
        difference = grid_difference(label, image)
        if difference is not None:
            raise GeometryError(
                expected="probabilities on the grid of the label", got=difference, remedy="predict again", path=path
            )
        return image.array
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FileError(
            expected="an array of probabilities", got=str(error), remedy="predict again", path=path
        ) from error


def _refuse_those_of_another(probabilities: NDArray[Any], prediction: NDArray[Any], path: Path) -> None:
    """Refuse what an earlier call left: a later one without probabilities replaces only the labels."""
    if probabilities.shape[1:] == prediction.shape and np.array_equal(probabilities.argmax(axis=0), prediction):
        return
    raise FileError(
        expected="the probabilities that this prediction was made of",
        got="others: their most probable classes are not the prediction's",
        remedy="predict again with --save-probabilities --overwrite, and evaluate without --classes",
        path=path,
    )
