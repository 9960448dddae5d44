"""A cross-validation: the same folds for every arm, one run for each fold, one judgement of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path

from univox.data.dataset import Dataset
from univox.data.protocol import Protocol, folds_of
from univox.data.split import Split
from univox.data.splits_file import write_splits
from univox.judging.evaluate import Evaluation
from univox.judging.judge import judge
from univox.judging.measures import Measures
from univox.metrics.catalog import DEFAULT_GROUPS
from univox.model.composition import Ensemble, member_of, write_composition
from univox.parallel import Failure, available_jobs, map_cases
from univox.recipes.catalog import load_recipe
from univox.studies.arms import Arm
from univox.studies.crossval.fold import OUT_OF_FOLD, Fold, FoldResult, arm_folder, fold_folder, run_fold
from univox.studies.planned import Planned, time_left
from univox.studies.study_folder import refuse_another_study
from univox.training.observer import Observer
from univox.training.request import TrainRequest

SPLITS = "splits_final.json"
MEASURES = Measures(metrics=(*DEFAULT_GROUPS, "modified-hausdorff"))
"""The usual ones, and what the Non-local U-Net was judged by."""


@dataclass(frozen=True)
class ArmOutcome:
    """What one arm came to.

    Args:
        arm: Its recipe and what that changes.
        folds: In their order.
        judged: All its out-of-fold predictions.
    """

    arm: Arm
    folds: tuple[FoldResult, ...]
    judged: Evaluation


@dataclass(frozen=True)
class CrossValidation:
    """A finished study.

    Args:
        dataset: That was parted.
        protocol: As a user writes it.
        splits: Of the folds.
        arms: In the order asked for.
    """

    dataset: Dataset
    protocol: str
    splits: tuple[Split, ...]
    arms: tuple[ArmOutcome, ...]


def crossval(
    request: TrainRequest,
    arms: Sequence[Arm],
    protocol: Protocol,
    *,
    at_once: int = 1,
    observer: Observer | None = None,
) -> CrossValidation:
    """Train every arm on the same folds, predict what each keeps out, and judge all out-of-fold predictions together.

    The folds of an arm then are an ensemble: `STUDY/arms/NAME` predicts new cases by the mean of their probabilities.
    A fold that is done is not done again, one that was interrupted goes on where it stood. The folds are written to
    `splits_final.json` before the first is trained.

    Args:
        request: Dataset, effort for each fold, and seed; `output` is the study's folder. `validation` says who chooses
            the weights where the protocol does not; `holdout` is not looked at.
        arms: What is compared.
        protocol: How the cases are parted.
        at_once: Folds that are trained at once, each in a process of its own with its share of the processor. (A run
            may end in other last digits with another number of threads.)
        observer: Hears of it; of folds at once, how many are done.

    Raises:
        CheckpointError: The folder holds another study.
        DatasetError: The dataset cannot be parted so, a subject is on both sides, or a case could not be predicted.
    """
    observer = observer or Observer()
    dataset = request.dataset.open()
    splits = folds_of(dataset, protocol, seed=request.seed)
    facts = {"study": "crossval", "splits": [list(map(list, astuple(split))) for split in splits]}
    refuse_another_study(request, arms, facts)
    write_splits(request.output / SPLITS, splits)
    threads = None if at_once == 1 else max(1, available_jobs() // at_once)
    folds = [Fold(arm, number, split, threads) for arm in arms for number, split in enumerate(splits)]
    results = _in_turn(request, folds, observer) if at_once == 1 else _at_once(request, folds, at_once, observer)
    outcomes: list[ArmOutcome] = []
    for index, arm in enumerate(arms):
        own = tuple(results[index * len(splits) : (index + 1) * len(splits)])
        observer.stage(f"judging the out-of-fold predictions of {arm.name}")
        outcomes.append(ArmOutcome(arm, own, _judged(request, arm, dataset, splits)))
        if len(splits) > 1:
            _join(arm_folder(request.output, arm), len(splits))
    return CrossValidation(dataset, str(protocol), splits, tuple(outcomes))


def _in_turn(request: TrainRequest, folds: Sequence[Fold], observer: Observer) -> list[FoldResult]:
    planned = [_planned(request, fold) for fold in folds]
    results: list[FoldResult] = []
    for index, fold in enumerate(folds):
        left = time_left(planned, request.budget_seconds)
        observer.stage(f"fold {index + 1} of {len(folds)}: {planned[index].name}{left}")
        results.append(run_fold(request, fold, observer))
    return results


def _at_once(request: TrainRequest, folds: Sequence[Fold], at_once: int, observer: Observer) -> list[FoldResult]:
    left = time_left([_planned(request, fold) for fold in folds], request.budget_seconds)
    observer.stage(f"{len(folds)} folds, {at_once} at once{left}")
    results: list[FoldResult] = []
    for outcome in map_cases(partial(run_fold, request), folds, jobs=at_once, on_progress=observer.advance):
        # The other folds are done by now, and are kept.
        if isinstance(outcome, Failure):
            raise outcome.error
        results.append(outcome)
    return results


def _join(folder: Path, folds: int) -> None:
    """Let the folds of an arm predict as one: its folder is then a model for new cases."""
    members = tuple(member_of(folder, f"folds/{number}/model") for number in range(folds))
    write_composition(folder, Ensemble(members=members))


def _planned(request: TrainRequest, fold: Fold) -> Planned:
    kept_out = ", ".join(fold.split.test[:3]) + (", ..." if len(fold.split.test) > 3 else "")
    iterations = request.iterations or load_recipe(fold.arm.recipe, fold.arm.set).training.iterations
    model = fold_folder(request.output, fold) / "model"
    return Planned(f"{fold.arm.name} without {kept_out}", model, 1, iterations)


def _judged(request: TrainRequest, arm: Arm, dataset: Dataset, splits: Sequence[Split]) -> Evaluation:
    folder = arm_folder(request.output, arm)
    cases = [name for split in splits for name in split.test]
    return judge(
        folder / OUT_OF_FOLD, dataset, folder / "evaluation", cases=cases, measures=MEASURES, jobs=request.jobs
    )
