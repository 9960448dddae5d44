"""Files of numbered objects beside predicted labels."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.atomic import write_json
from univox.data.classes import Classes
from univox.image import read_label, write_label
from univox.inference.case_output import Codes, Failure, Outcome, attempted
from univox.inference.objects import ObjectSettings, number_objects

INSTANCES = "instances"
"""Folder inside the output folder, apart from the labels so that these can be evaluated as they lie."""

RECORD = "objects.json"


def instances_path(label: Path) -> Path:
    """Give the place of the numbered objects of a label.

    >>> instances_path(Path("out/cell.png")).as_posix()
    'out/instances/cell.png'
    """
    return label.parent / INSTANCES / label.name


def number_files(
    outcomes: Sequence[Outcome], classes: Classes, settings: ObjectSettings, *, codes: Codes = "dataset"
) -> list[Outcome]:
    """Number the objects of predicted label files; a bad case is reported and does not cost the good ones.

    Args:
        outcomes: Of prediction, all into one folder; those that failed are left as they are.
        classes: Of the domain that predicted.
        settings: How; kept as `instances/objects.json`.
        codes: What the label files hold.

    Returns:
        The outcomes, failed now where the objects could not be written; their seconds include it.
    """
    if outcomes:
        folder = instances_path(outcomes[0].path).parent
        write_json(folder / RECORD, {"borders": classes.borders, **dataclasses.asdict(settings)})
    return [_numbered(outcome, classes, settings, codes) for outcome in outcomes]


def _numbered(outcome: Outcome, classes: Classes, settings: ObjectSettings, codes: Codes) -> Outcome:
    if outcome.status == "failed":
        return outcome

    def write() -> None:
        label = read_label(outcome.path)
        indices: NDArray[Any] = label.array
        if codes == "dataset":
            indices = classes.of_prediction(indices).to_index(indices)
        write_label(instances_path(outcome.path), number_objects(np.asarray(indices), classes, settings), like=label)

    started = time.perf_counter()
    failure = attempted(write, (outcome.path,))
    seconds = outcome.seconds + time.perf_counter() - started
    if isinstance(failure, Failure):
        return dataclasses.replace(outcome, status="failed", seconds=seconds, message=failure.message)
    return dataclasses.replace(outcome, seconds=seconds)
