"""How many labelled cases are enough: one dataset, the same test cases, more and more training cases."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from univox.atomic import write_json
from univox.data.case import Case
from univox.data.split import nested
from univox.errors import RecipeError
from univox.judging.paired import Paired, paired
from univox.judging.statistics import Summary, summarize
from univox.model.folder import read_model
from univox.studies.arms import Arm
from univox.studies.held_out import predict_and_judge, refuse_nothing_held_out
from univox.studies.planned import Planned, time_left
from univox.studies.power_law import PowerLaw, doubling_interval, fit_power_law
from univox.studies.study_folder import refuse_another_study
from univox.training.decisions import choose_split
from univox.training.domain_data import sound_dataset
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import finish_run, recipe_of

RESULT = "result.json"
SMALLEST = 4
"""Where nobody says which sizes, they double from here."""


@dataclass(frozen=True)
class SizeRun:
    """One training on a subset.

    Args:
        cases: Labelled cases that it learned from, those that validated included.
        subjects: Of them.
        repeat: Which of the subsets of this size, from 0.
        seed: Of the subset, the weights and the batches.
        iterations: Done.
        seconds: Of the whole training command.
        dice: Mean foreground Dice of each held-out case; none where it has none.
        dice_by_class: Mean of each class over them.
    """

    cases: int
    subjects: int
    repeat: int
    seed: int
    iterations: int
    seconds: float
    dice: dict[str, float | None]
    dice_by_class: dict[str, float | None]


@dataclass(frozen=True)
class SizePoint:
    """All runs of one size.

    Args:
        cases: Mean number of labelled cases; subjects are never divided, so repeats may differ.
        runs: One for each repeat.
        dice: Over the held-out cases, each one's mean over the repeats.
        by_repeat: Mean Dice of each repeat.
        gain: Over the next smaller size, case by case; none of the smallest.
    """

    cases: float
    runs: tuple[SizeRun, ...]
    dice: Summary
    by_repeat: tuple[float, ...]
    gain: Paired | None


@dataclass(frozen=True)
class TrainingSize:
    """A finished study.

    Args:
        dataset: Its name.
        recipe: With what was changed.
        test_cases: Names of the cases that all were judged on.
        points: Smallest size first.
        law: Fitted to the mean errors; none below four sizes.
        doubling: 95 % interval of what doubling the largest size brings by the law.
    """

    dataset: str
    recipe: str
    test_cases: tuple[str, ...]
    points: tuple[SizePoint, ...]
    law: PowerLaw | None
    doubling: tuple[float, float] | None


def training_size(
    request: TrainRequest,
    *,
    cases: Sequence[int] = (),
    shares: Sequence[float] = (),
    repeats: int = 1,
    observer: Observer | None = None,
) -> TrainingSize:
    """Train on nested subsets of the cases with the same budget each, and judge all on the same held-out cases.

    A run that is done is not done again, one that was interrupted goes on; sizes and repeats may be added later.

    Args:
        request: Dataset, recipe, budget or iterations, split and seed; `output` is the study's folder. Its
            `validation` is a share of each subset.
        cases: Sizes as numbers of labelled cases.
        shares: Sizes as shares of the cases that are not kept out, in (0, 1]; not together with `cases`. Of neither:
            4, 8, 16 and so on, and all.
        repeats: Subsets of each size, each with another seed.
        observer: Hears of every run.

    Raises:
        CheckpointError: The folder holds another study.
        DatasetError: No case is held out, a size that cannot be, or two that come to the same cases.
        RecipeError: Both `cases` and `shares`.
    """
    observer = observer or Observer()
    source = request.dataset
    refuse_nothing_held_out(request.holdout, source.test_cases, source.path)
    dataset = sound_dataset(source, request, observer)
    everybody = source.model_copy(update={"validation_cases": ()})
    split = choose_split(dataset, request.model_copy(update={"validation": 0.0}), everybody)
    labelled = {case.name: case for case in dataset.labelled}
    pool, test = [labelled[name] for name in split.train], [labelled[name] for name in split.test]
    sizes = _sizes(cases, shares, len(pool))
    arm = Arm(name="recipe", recipe=request.recipe, set=request.overrides)
    refuse_another_study(request, [arm], {"study": "training-size", "test_cases": list(split.test)})
    kept_out = everybody.model_copy(update={"test_cases": split.test})
    asked = request.model_copy(update={"datasets": (kept_out,), "holdout": 0.0})
    runs = _runs(asked, pool, sizes, repeats, observer)
    points = _points(runs, test)
    errors = np.array([_errors(point.runs, split.test) for point in points])
    counts = [point.cases for point in points]
    return TrainingSize(
        dataset=dataset.name,
        recipe=" ".join([request.recipe, *request.overrides]),
        test_cases=split.test,
        points=points,
        law=fit_power_law(counts, [1.0 - point.dice.mean for point in points]),
        doubling=doubling_interval(counts, errors, [case.subject for case in test]),
    )


def _runs(
    request: TrainRequest, pool: Sequence[Case], sizes: Sequence[int], repeats: int, observer: Observer
) -> list[list[SizeRun]]:
    """Train and judge every repeat of every size; one list for each size."""
    subset_of = {
        (row, repeat): subset
        for repeat in range(repeats)
        for row, subset in enumerate(nested(pool, sizes, request.seed + repeat))
    }
    planned = [_planned(request, len(subset), repeat) for (_, repeat), subset in subset_of.items()]
    subject_of = {case.name: case.subject for case in pool}
    runs: list[list[SizeRun]] = [[] for _ in sizes]
    for (row, repeat), subset in subset_of.items():
        name = f"{len(subset)} cases, repeat {repeat + 1} of {repeats}"
        observer.stage(f"{name}{time_left(planned, request.budget_seconds)}")
        source = request.dataset.model_copy(update={"training_cases": subset})
        asked = request.model_copy(update={"datasets": (source,), "seed": request.seed + repeat})
        subjects = len({subject_of[case] for case in subset})
        runs[row].append(_run(asked, _folder(request, len(subset), repeat), subjects, repeat, observer))
    return runs


def _sizes(cases: Sequence[int], shares: Sequence[float], pool: int) -> list[int]:
    if cases and shares:
        raise RecipeError(expected="either --cases or --shares", got="both", remedy="leave one of them out")
    outside = [share for share in shares if not 0.0 < share <= 1.0]
    if outside:
        raise RecipeError(expected="shares above 0 and up to 1", got=f"{outside[0]:g}", remedy="choose 0.25, 0.5, 1")
    if shares:
        return sorted({max(1, round(share * pool)) for share in shares})
    if cases:
        return sorted(set(cases))
    doubled = [SMALLEST * 2**power for power in range(max(1, pool).bit_length()) if SMALLEST * 2**power < pool]
    return [*doubled, pool]


def _folder(request: TrainRequest, cases: int, repeat: int) -> Path:
    return request.output / "runs" / f"{cases:04d}-cases-{repeat}"


def _planned(request: TrainRequest, cases: int, repeat: int) -> Planned:
    iterations = request.iterations or recipe_of(request).training.iterations
    return Planned(f"{cases} cases", _folder(request, cases, repeat) / "model", 1, iterations)


def _run(request: TrainRequest, folder: Path, subjects: int, repeat: int, observer: Observer) -> SizeRun:
    path = folder / RESULT
    if path.exists():
        return SizeRun(**json.loads(path.read_text(encoding="utf-8")))
    model = folder / "model"
    finish_run(request.model_copy(update={"output": model}), observer)
    judged = predict_and_judge(
        model, request.dataset, folder, device=request.device, jobs=request.jobs, observer=observer
    )
    provenance = read_model(model).provenance
    result = SizeRun(
        cases=len(request.dataset.training_cases),
        subjects=subjects,
        repeat=repeat,
        seed=request.seed,
        iterations=provenance["iterations"],
        seconds=provenance["seconds"],
        dice={each.name: _known(each.mean_dice) for each in judged.results},
        dice_by_class={name: _known(figures["dice"].mean) for name, figures in judged.summaries.items()},
    )
    write_json(path, asdict(result))
    return result


def _points(runs: Sequence[Sequence[SizeRun]], test: Sequence[Case]) -> tuple[SizePoint, ...]:
    names, subjects = [case.name for case in test], [case.subject for case in test]
    points: list[SizePoint] = []
    before: list[float] | None = None
    for each in runs:
        dice = [1.0 - error for error in _errors(each, names)]
        points.append(
            SizePoint(
                cases=statistics.fmean(run.cases for run in each),
                runs=tuple(each),
                dice=summarize(dice),
                by_repeat=tuple(_mean(run.dice.values()) for run in each),
                gain=None if before is None else paired(dice, before, subjects=subjects),
            )
        )
        before = dice
    return tuple(points)


def _errors(runs: Sequence[SizeRun], names: Sequence[str]) -> list[float]:
    """Give 1 - Dice of each held-out case, the mean of the repeats that have one."""
    return [1.0 - _mean(run.dice[name] for run in runs) for name in names]


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else math.nan


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
