"""Labelled cases that a domain was not trained on, predicted one after the other: what it may be measured by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from univox.data.case import Case
from univox.data.dataset import Dataset, read_case_image, read_case_label
from univox.data.preprocess import CaseGeometry, prepare_image
from univox.errors import DatasetError, GeometryError, ModelError, UnivoxError
from univox.image import Image, grid_difference
from univox.inference.fitting import misfit
from univox.inference.predictor import Predictor
from univox.model.domain import Domain

OnCase = Callable[[str, int, int], None]
"""Called as on_case(name, done, total) after each case."""


@dataclass(frozen=True)
class UnseenCase:
    """A case as the network sees it, beside its label.

    Attributes:
        name: Of the case.
        votes: (K, *prepared) the network's own probabilities, all finite.
        geometry: How they lie in the image.
        label: Class indices (*spatial) on the image's grid; `NOT_ANNOTATED` where nobody labelled.
    """

    name: str
    votes: NDArray[np.float32]
    geometry: CaseGeometry
    label: NDArray[np.uint8]


def unseen_cases(domain: Domain, dataset: Dataset, cases: str | Iterable[str]) -> list[Case]:
    """Find labelled cases that a domain was not trained on.

    Args:
        domain: Knows its split.
        dataset: Holds them.
        cases: "validation", "test", or names.

    Raises:
        DatasetError: There are none, one is missing or without a label, or one was in training.
    """
    split = domain.split
    if isinstance(cases, str):
        if not split.get(cases):
            raise DatasetError(
                expected=f"{cases} cases that the domain {domain.name} recorded",
                got="none",
                remedy="name labelled cases that it was not trained on: --cases NAME,NAME",
            )
        cases = split[cases]
    names = list(dict.fromkeys(cases))
    seen = [name for name in names if name in split.get("train", [])]
    if seen or not names:
        raise DatasetError(
            expected=f"cases that the domain {domain.name} was not trained on",
            got=f"{', '.join(seen[:5])}, of its training cases" if seen else "none",
            remedy="name others: on what it has learned by heart every network looks sure and right",
        )
    labelled = {case.name: case for case in dataset.labelled}
    missing = [name for name in names if name not in labelled]
    if missing:
        raise DatasetError(
            expected=f"cases with a label in {dataset.name}",
            got=", ".join(missing[:5]),
            remedy="give the dataset that the domain was trained on",
            path=dataset.root,
        )
    return [labelled[name] for name in names]


def predicted_unseen(
    predictor: Predictor, dataset: Dataset, cases: Sequence[Case], on_case: OnCase | None
) -> Iterator[UnseenCase]:
    """Predict cases one after the other, so that one at a time lies in memory.

    Args:
        predictor: Of the domain; its classes read the labels.
        dataset: Holds the cases.
        cases: As `unseen_cases` gives them.
        on_case: Hears of each case when the next one is asked for.

    Raises:
        DatasetError: An intensity is not finite.
        GeometryError: A label lies on another grid than its image.
        ModelError: A case does not fit the domain, or the network gives no numbers for it.
        FileError: A case cannot be read.
    """
    # The domain's classes, not the dataset's: a selection that was made for training holds here too.
    known = replace(dataset, classes=predictor.classes)
    for number, case in enumerate(cases, start=1):
        yield _predicted(predictor, known, case)
        if on_case is not None:
            on_case(case.name, number, len(cases))


def _predicted(predictor: Predictor, dataset: Dataset, case: Case) -> UnseenCase:
    image, label = read_case_image(dataset, case), read_case_label(dataset, case)
    difference = grid_difference(image, label)
    if difference is not None:
        raise GeometryError(
            expected="a label on the grid of its image",
            got=difference,
            remedy="mend the label, or name other cases",
            path=case.label,
        )
    prepared, geometry = _prepared(predictor, image, case)
    votes = predictor.votes(prepared)
    if not np.isfinite(votes).all():
        raise ModelError(
            expected=f"probabilities for every voxel of {case.name}",
            got="some that are no numbers",
            remedy="train the model again; with --set training.precision=fp32 where it overflowed",
            path=predictor.model.path,
        )
    return UnseenCase(case.name, votes, geometry, label.array)


def _prepared(predictor: Predictor, image: Image, case: Case) -> tuple[NDArray[np.float32], CaseGeometry]:
    error: UnivoxError | None = misfit(predictor.domain, image)
    if error is None:
        try:
            return prepare_image(image, predictor.preprocessing)
        except DatasetError as found:
            error = found
    # Of several cases only the file says which.
    raise type(error)(expected=error.expected, got=error.got, remedy=error.remedy, path=case.images[0]) from error
