"""One volume of which a few slices are annotated: how well is the rest of it found?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from univox.data.classes import NOT_ANNOTATED
from univox.data.dataset import Dataset, read_case_label
from univox.data.layouts import open_dataset
from univox.data.source import DatasetSource
from univox.data.sparsify import AXES, Kept, sparsify
from univox.errors import DatasetError
from univox.image import Label
from univox.inference.inputs import Input
from univox.inference.predict_files import predict_files
from univox.inference.predictor import Predictor
from univox.judging.evaluate import read_prediction
from univox.metrics import count, iou
from univox.model.folder import read_model
from univox.studies.arms import Arm
from univox.studies.planned import Planned, time_left
from univox.studies.study_folder import refuse_another_study, run_of_arm
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import finish_run


@dataclass(frozen=True)
class SparseResult:
    """What one number of slices came to, on the voxels whose labels were held back.

    Args:
        slices: Annotated, across each axis.
        annotated: Share of the volume's voxels that is.
        iterations: Of the training.
        seconds: Of the whole training command.
        iou: Of each foreground class; none where neither label nor prediction holds it.
        common_iou: The same on the voxels that no arm of the study had annotated: one measure for all.
    """

    slices: int
    annotated: float
    iterations: int
    seconds: float
    iou: dict[str, float | None]
    common_iou: dict[str, float | None]

    @property
    def mean_iou(self) -> float | None:
        """Mean over the foreground classes."""
        return _mean(self.iou)

    @property
    def mean_common_iou(self) -> float | None:
        """The same on the voxels that no arm had annotated."""
        return _mean(self.common_iou)


@dataclass(frozen=True)
class SparseCase:
    """One arm's files, read when they are asked for.

    Args:
        folder: Of the arm.
        name: Of the case.
        whole: Its label as it is in the dataset.
    """

    folder: Path
    name: str
    whole: Label

    @property
    def model(self) -> Path:
        """The trained model."""
        return self.folder / "model"

    @cached_property
    def dataset(self) -> Dataset:
        """The sparse dataset, of this one case."""
        return open_dataset(self.folder / "dataset")

    @cached_property
    def label(self) -> NDArray[np.uint8]:
        """Class indices; `NOT_ANNOTATED` outside of the annotated slices."""
        return read_case_label(self.dataset, self.dataset.case(self.name)).array

    @cached_property
    def prediction(self) -> NDArray[Any]:
        """Class indices, the network's own everywhere."""
        [path] = (self.folder / "predictions").glob(f"{self.name}.*")
        return read_prediction(self.dataset, path, self.whole).array

    @property
    def held_back(self) -> NDArray[np.bool_]:
        """Voxels whose labels the training never saw."""
        return (self.label == NOT_ANNOTATED) & (self.whole.array != NOT_ANNOTATED)


@dataclass(frozen=True)
class SparseStudy:
    """A finished study.

    Args:
        dataset: Its name.
        case: The volume's.
        axes: Across which slices were annotated.
        results: By the number of slices.
        cases: The files of each, in the same order.
    """

    dataset: str
    case: str
    axes: tuple[int, ...]
    results: tuple[SparseResult, ...]
    cases: tuple[SparseCase, ...]


def sparse_study(
    request: TrainRequest,
    slices: Sequence[int],
    *,
    arm: Arm,
    case: str | None = None,
    axes: Sequence[int] = AXES,
    observer: Observer | None = None,
) -> SparseStudy:
    """Train on a few annotated slices of one volume, for several numbers of them, and judge the rest of it.

    What is done is not done again; a run that was interrupted goes on where it stood.

    Args:
        request: The dataset with whole labels, budget or iterations and seed; `output` is the study's folder.
        slices: Numbers of annotated slices across each axis, spread evenly over those with foreground.
        arm: Recipe and start of every training.
        case: Name of the volume; none: the first that is labelled.
        axes: Of the canonical array, across which slices are annotated.
        observer: Hears of every run.

    Raises:
        CheckpointError: The folder holds another study.
        DatasetError: No such case, no number of slices, or the case could not be predicted.

    Source: Cicek et al., MICCAI 2016 (3D U-Net), semi-automated segmentation by number of annotated slices: three
        networks' answers to held-back slices there, one volume's held-back voxels here.
    """
    observer = observer or Observer()
    numbers = sorted(set(slices))
    if not numbers or numbers[0] < 1:
        raise DatasetError(expected="numbers of slices", got=f"{numbers or 'none'}", remedy="--slices 2 --slices 4")
    dataset = request.dataset.open()
    name = case or next((found.name for found in dataset.labelled), "")
    arms = [arm.model_copy(update={"name": f"{number} slices"}) for number in numbers]
    refuse_another_study(request, arms, {"case": name, "axes": list(axes)})
    whole = read_case_label(dataset, dataset.case(name))
    cases = [SparseCase(request.output / "arms" / each.name, name, whole) for each in arms]
    runs = [Planned(a.name, c.model, 1, request.iterations or 0) for a, c in zip(arms, cases, strict=True)]
    for number, each, files in zip(numbers, arms, cases, strict=True):
        observer.stage(f"{each.name} of each axis{time_left(runs, request.budget_seconds)}")
        if not files.folder.joinpath("dataset").exists():
            sparsify(dataset, files.folder / "dataset", kept=Kept(number=number), axes=axes, cases=[name])
        source = DatasetSource(path=files.folder / "dataset")
        finish_run(run_of_arm(request, each, files.model, datasets=(source,), holdout=0.0), observer)
        _predict(files, dataset, request.device, observer)
    results = tuple(_result(number, files, cases) for number, files in zip(numbers, cases, strict=True))
    return SparseStudy(dataset.name, name, tuple(axes), results, tuple(cases))


def _predict(files: SparseCase, dataset: Dataset, device: str, observer: Observer) -> None:
    observer.stage(f"predicting {files.name}")
    entry = Input(files.name, dataset.case(files.name).images)
    [outcome] = predict_files(Predictor(files.model, device=device), [entry], files.folder / "predictions")
    if outcome.status == "failed":
        raise DatasetError(expected=f"to predict {outcome.name}", got=outcome.message, remedy="see `univox doctor`")


def _result(number: int, files: SparseCase, cases: Sequence[SparseCase]) -> SparseResult:
    facts = read_model(files.model).provenance
    common = np.logical_and.reduce([each.held_back for each in cases])
    return SparseResult(
        slices=number,
        annotated=float((files.label != NOT_ANNOTATED).mean()),
        iterations=facts["iterations"],
        seconds=facts["seconds"],
        iou=_iou(files, files.held_back),
        common_iou=_iou(files, common),
    )


def _iou(files: SparseCase, voxels: NDArray[np.bool_]) -> dict[str, float | None]:
    names = files.dataset.classes.names
    counts = count(files.whole.array[voxels], files.prediction[voxels], len(names))
    values = [float(value) for value in iou(counts)]
    return {name: v if math.isfinite(v) else None for name, v in zip(names[1:], values[1:], strict=True)}


def _mean(values: dict[str, float | None]) -> float | None:
    known = [value for value in values.values() if value is not None]
    return sum(known) / len(known) if known else None
