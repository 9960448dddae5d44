"""One fold of a cross-validation: trained, and the cases that it keeps out predicted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from univox.atomic import write_json
from univox.data.dataset import Dataset
from univox.data.split import Split
from univox.inference.inputs import Input
from univox.inference.predictor import Predictor
from univox.model.folder import read_model
from univox.studies.arms import Arm
from univox.studies.held_out import predict_all
from univox.studies.study_folder import run_of_arm
from univox.training.log import median_seconds
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import finish_run

RESULT = "result.json"
OUT_OF_FOLD = "out-of-fold"


@dataclass(frozen=True)
class Fold:
    """One fold of one arm, to be trained.

    Args:
        arm: What is trained.
        number: From 0.
        split: Who trains, validates (nobody: the request's share decides), and is kept out.
        threads: Of the processor that it may use; none: all.
    """

    arm: Arm
    number: int
    split: Split
    threads: int | None = None


@dataclass(frozen=True)
class FoldResult:
    """What a fold came to; the scores of its cases are judged with those of the other folds.

    Args:
        number: Of the fold.
        parameters: Numbers that training changed.
        iterations: Done.
        seconds: Of the whole training command.
        seconds_per_iteration: Median of the run's.
        validation_dice: Mean foreground Dice of the best validation; none where nobody validated.
        case_seconds: Of each case kept out: from its file to its label file.
    """

    number: int
    parameters: int
    iterations: int
    seconds: float
    seconds_per_iteration: float
    validation_dice: float | None
    case_seconds: dict[str, float]


def fold_folder(study: Path, fold: Fold) -> Path:
    """Give the folder of a fold: its `model`, and `result.json` when it is done."""
    return arm_folder(study, fold.arm) / "folds" / str(fold.number)


def arm_folder(study: Path, arm: Arm) -> Path:
    """Give the folder of an arm: its folds, and the out-of-fold predictions of all."""
    return study / "arms" / arm.name


def run_fold(request: TrainRequest, fold: Fold, observer: Observer | None = None) -> FoldResult:
    """Train a fold and predict its cases; what is done is not done again.

    Args:
        request: Dataset, effort and seed; `output` is the study's folder.
        fold: What to do.
        observer: Hears of it.

    Raises:
        DatasetError: A case could not be predicted.
    """
    folder = fold_folder(request.output, fold)
    path = folder / RESULT
    if path.exists():
        return FoldResult(**json.loads(path.read_text(encoding="utf-8")))
    observer = observer or Observer()
    if fold.threads is not None:
        import torch

        torch.set_num_threads(fold.threads)
    finish_run(run_of_fold(request, fold), observer)
    model = folder / "model"
    stored = read_model(model)
    [domain] = stored.domains.values()
    result = FoldResult(
        number=fold.number,
        parameters=stored.num_parameters(),
        iterations=stored.provenance["iterations"],
        seconds=stored.provenance["seconds"],
        seconds_per_iteration=median_seconds(model / "run" / "log.jsonl"),
        validation_dice=domain.validation.get("mean_dice"),
        case_seconds=_predict(request, model, fold, observer),
    )
    write_json(path, asdict(result))
    return result


def run_of_fold(request: TrainRequest, fold: Fold) -> TrainRequest:
    """Give the request of a fold's run: the cases of its sides are named."""
    split = fold.split
    named = {
        "test_cases": split.test,
        "validation_cases": split.validation,
        "training_cases": (*split.train, *split.validation),
    }
    source = request.dataset.model_copy(update=named)
    model = fold_folder(request.output, fold) / "model"
    return run_of_arm(request, fold.arm, model, datasets=(source,), holdout=0.0)


def inputs_of(dataset: Dataset, names: Sequence[str]) -> list[Input]:
    """Give the images of labelled cases, in the dataset's order."""
    return [Input(case.name, case.images) for case in dataset.labelled if case.name in set(names)]


def _predict(request: TrainRequest, model: Path, fold: Fold, observer: Observer) -> dict[str, float]:
    dataset = request.dataset.open()
    observer.stage(f"predicting the {len(fold.split.test)} cases that fold {fold.number} keeps out")
    outcomes = predict_all(
        Predictor(model, device=request.device),
        inputs_of(dataset, fold.split.test),
        arm_folder(request.output, fold.arm) / OUT_OF_FOLD,
    )
    return {outcome.name: outcome.seconds for outcome in outcomes}
