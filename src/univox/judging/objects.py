"""The numbered objects of a case's label and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.data.case import Case
from univox.data.classes import NOT_ANNOTATED
from univox.data.dataset import Dataset, read_case_codes
from univox.errors import GeometryError
from univox.image import read_label
from univox.inference.object_files import instances_path
from univox.inference.objects import ObjectSettings, number_objects

Objects = NDArray[np.integer[Any]]


def objects_of_case(
    dataset: Dataset, case: Case, path: Path, label: Objects, prediction: Objects, interior: Sequence[int]
) -> tuple[Objects, Objects]:
    """Number the objects of label and prediction, or take them as they are numbered.

    Both are cut off where nobody labelled.

    Args:
        dataset: Where its labels number objects, these are the objects of the label.
        case: Of the dataset.
        path: The prediction. What `univox predict --instances` wrote beside it are its objects; else its own numbers,
            where it holds some; else the objects of its class map, as that verb would find them.
        label: Class indices.
        prediction: The same.
        interior: Classes that have objects.

    Raises:
        GeometryError: The numbered objects have another shape than the prediction.
        FileError, LabelError: A file cannot be read.
    """
    if dataset.classes.instances:
        there = read_case_codes(case).array
    else:
        there = number_objects(_of(label, interior), dataset.classes, ObjectSettings())
    here, annotated = _predicted(dataset, path, prediction, interior), label != NOT_ANNOTATED
    return (there, here) if annotated.all() else (np.where(annotated, there, 0), np.where(annotated, here, 0))


def _predicted(dataset: Dataset, path: Path, prediction: Objects, interior: Sequence[int]) -> Objects:
    beside = instances_path(path)
    if beside.is_file():
        found = read_label(beside).array
        if found.shape != prediction.shape:
            raise GeometryError(
                expected=f"numbered objects of the prediction's shape {list(prediction.shape)}",
                got=f"{list(found.shape)}",
                remedy="predict this case again with --instances, or remove the file",
                path=beside,
            )
        return np.where(np.isin(prediction, interior) | dataset.classes.instances, found, 0)
    stored = read_label(path).array
    if dataset.classes.instances and dataset.classes.of_prediction(stored).instances:
        return stored
    return number_objects(
        _of(prediction, (*interior, *dataset.classes.border_indices)), dataset.classes, ObjectSettings()
    )


def _of(indices: Objects, interior: Sequence[int]) -> Objects:
    return np.where(np.isin(indices, interior), indices, 0)
