"""The cases that a model never saw: predicted, judged, and said in a few figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from univox.data.dataset import Dataset
from univox.data.source import DatasetSource
from univox.errors import DatasetError
from univox.inference.inputs import Input
from univox.inference.predict_files import Outcome, predict_files
from univox.inference.predictor import Predictor
from univox.inference.record import write_record
from univox.judging.evaluate import Evaluation
from univox.judging.judge import judge
from univox.training.observer import Observer


@dataclass(frozen=True)
class HeldOut:
    """What the held-out cases say.

    Args:
        cases: How many were judged.
        dice: Mean over them of each one's mean foreground Dice; none where none has one.
        low, high: 95 % bootstrap interval of that mean; none below two cases.
        dice_by_class: Mean of each class.
    """

    cases: int
    dice: float | None
    low: float | None
    high: float | None
    dice_by_class: dict[str, float | None]

    @classmethod
    def of(cls, judged: Evaluation) -> HeldOut:
        """Give the few figures of an evaluation."""
        mean = judged.mean_foreground_dice
        by_class = {name: _known(by_metric["dice"].mean) for name, by_metric in judged.summaries.items()}
        return cls(len(judged.results), _known(mean.mean), _known(mean.low), _known(mean.high), by_class)


def predict_and_judge(
    model: Path,
    source: DatasetSource,
    folder: Path,
    *,
    domain: str | None = None,
    device: str = "auto",
    jobs: int = 1,
    observer: Observer | None = None,
) -> Evaluation:
    """Predict the cases that a domain's training kept out, and judge them.

    Args:
        model: Its folder.
        source: The domain's dataset.
        folder: Gets the folders `predictions` and `evaluation`.
        domain: Its name; may be left out where the model has one.
        device: As in `Predictor`.
        jobs: Cases judged at once.
        observer: Hears of it.

    Raises:
        DatasetError: A case could not be predicted or judged, or none was kept out.
    """
    dataset = source.open()
    predictor = Predictor(model, domain=domain, device=device)
    (observer or Observer()).stage(f"predicting and judging the held-out cases of {dataset.name}")
    test = set(predictor.domain.split["test"])
    inputs = [Input(case.name, case.images) for case in dataset.labelled if case.name in test]
    predictions = folder / "predictions"
    outcomes = predict_all(predictor, inputs, predictions)
    write_record(predictions, predictor, outcomes)
    judged = judge(predictions, dataset, folder / "evaluation", jobs=jobs)
    for failure in judged.failures:
        raise DatasetError(expected=f"to judge {failure.case}", got=failure.cause, remedy=failure.remedy)
    return judged


def predict_all(predictor: Predictor, inputs: Sequence[Input], folder: Path) -> list[Outcome]:
    """Predict cases into a folder, those that are there again.

    Raises:
        DatasetError: One could not be predicted.
    """
    outcomes = predict_files(predictor, inputs, folder, overwrite=True)
    for outcome in outcomes:
        if outcome.status == "failed":
            raise DatasetError(expected=f"to predict {outcome.name}", got=outcome.message, remedy="see `univox doctor`")
    return outcomes


def refuse_nothing_held_out(share: float, named: tuple[str, ...], path: Path) -> None:
    """Refuse to judge held-out cases where none is to be held out.

    Raises:
        DatasetError: There is neither a share nor a name of them.
    """
    if share <= 0 and not named:
        raise DatasetError(
            expected="held-out cases to judge the arms on",
            got="none",
            remedy="--holdout 0.2, or --judge-on validation",
            path=path,
        )


def refuse_single_subjects(datasets: Sequence[Dataset], sources: Sequence[DatasetSource]) -> None:
    """Refuse datasets of which no subject can be held out, unless their test cases are named.

    Raises:
        DatasetError: One has a single subject.
    """
    for dataset, source in zip(datasets, sources, strict=True):
        if not source.test_cases and len({case.subject for case in dataset.labelled}) < 2:
            raise DatasetError(
                expected="at least two subjects in each dataset, to hold one out",
                got=f"one in {dataset.name}",
                remedy="name its test cases by --test-cases, or leave it out",
                path=dataset.root,
            )


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
