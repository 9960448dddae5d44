"""The demonstration: train on shipped cases, predict those kept out, judge, report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from univox.data.layouts import open_dataset
from univox.data.source import DatasetSource
from univox.errors import DatasetError
from univox.inference.inputs import Input
from univox.inference.predict_files import predict_files
from univox.inference.predictor import Predictor
from univox.inference.record import write_record
from univox.judging.judge import REPORT, judge
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import train

VALIDATION = 0.1
"""Share of the 36 training cases that chooses the weights."""


@dataclass(frozen=True)
class Shown:
    """What the demonstration measured, and where its report lies."""

    mean_dice: float
    dice: dict[str, float]
    report: Path


def demonstrate(
    output: Path, *, budget_seconds: float, seed: int = 0, jobs: int = 1, observer: Observer | None = None
) -> Shown:
    """Run the whole way on the data that ships inside.

    Args:
        output: Folder for model, predictions and results.
        budget_seconds: For training alone.
        seed: Of the run.
        jobs: Processes that prepare cases.
        observer: Hears of the training.

    Raises:
        CheckpointError: The folder holds an earlier demonstration.
        DatasetError: A case could not be predicted.
    """
    folder = Path(str(resources.files("univox"))) / "demo_data"
    held_out = tuple(json.loads((folder / "split.json").read_text(encoding="utf-8"))["test"])
    source = folder / "hippocampus_mri"
    trained = train(
        TrainRequest(
            datasets=(DatasetSource(path=source, test_cases=held_out),),
            output=output / "model",
            budget_seconds=budget_seconds,
            validation=VALIDATION,
            seed=seed,
            jobs=jobs,
            cache=output / "cache",
        ),
        observer=observer,
    )
    dataset = open_dataset(source)
    predictor = Predictor(trained.model)
    inputs = [Input(case.name, case.images) for case in dataset.labelled if case.name in held_out]
    # The report judges probabilities where there are some, and these are small.
    outcomes = predict_files(predictor, inputs, output / "predictions", overwrite=True, save_probabilities=True)
    for outcome in outcomes:
        if outcome.status == "failed":
            raise DatasetError(expected=f"to predict {outcome.name}", got=outcome.message, remedy="see `univox doctor`")
    write_record(output / "predictions", predictor, outcomes)
    evaluation = judge(output / "predictions", dataset, output / "evaluation", jobs=jobs)
    dice = {name: by_metric["dice"].mean for name, by_metric in evaluation.summaries.items()}
    return Shown(evaluation.mean_foreground_dice.mean, dice, output / "evaluation" / REPORT)
