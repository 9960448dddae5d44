"""One dataset, one split, one budget, several recipes: which choice pays?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from univox.atomic import write_json
from univox.judging.plots import Curves, read_curves
from univox.model.folder import read_model
from univox.recipes.catalog import load_recipe
from univox.studies.arms import Arm
from univox.studies.held_out import HeldOut, predict_and_judge, refuse_nothing_held_out
from univox.studies.planned import Planned, time_left
from univox.studies.study_folder import refuse_another_study, run_of_arm
from univox.training.log import median_seconds, read_log
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import finish_run

RESULT = "result.json"


@dataclass(frozen=True)
class ArmResult:
    """What one arm came to.

    Args:
        name: Of the arm.
        recipe: Of the arm, with what it changes.
        parameters: Numbers that training changes.
        iterations: Done.
        seconds: Of the whole training command.
        seconds_per_iteration: Median of the run's.
        validation_dice: Mean foreground Dice of the best validation; none where nothing was validated.
        held_out_dice: Mean foreground Dice of the held-out cases; none where none were judged.
        held_out_low, held_out_high: Its 95 % bootstrap interval over cases.
        dice: Held-out Dice per class, or that of the best validation where none was judged.
    """

    name: str
    recipe: str
    parameters: int
    iterations: int
    seconds: float
    seconds_per_iteration: float
    validation_dice: float | None
    held_out_dice: float | None
    held_out_low: float | None
    held_out_high: float | None
    dice: dict[str, float | None]


@dataclass(frozen=True)
class Ablation:
    """A finished study.

    Args:
        dataset: Its name.
        judged_on: "test" or "validation".
        results: In the order of the arms.
        curves: Of each arm's training, by its name.
        minutes: When each validation began, by arm and iteration.
    """

    dataset: str
    judged_on: str
    results: tuple[ArmResult, ...]
    curves: dict[str, Curves]
    minutes: dict[str, dict[int, float]]


def ablation(
    request: TrainRequest, arms: Sequence[Arm], *, judged_on: str = "test", observer: Observer | None = None
) -> Ablation:
    """Train every arm on the same cases with the same budget, and judge each.

    An arm that is done is not done again, one that was interrupted goes on where it stood.

    Args:
        request: Dataset, budget or iterations, split and seed of all arms; `output` is the study's folder. Its recipe,
            overrides and start are the arms' affair.
        arms: What is compared.
        judged_on: "test": predicts and judges the held-out cases too; "validation": leaves them unread, for
            studies whose outcome decides something.
        observer: Hears of every run.

    Raises:
        CheckpointError: The folder holds another study.
        DatasetError: No case is held out and the held-out cases are to be judged; or a case could not be predicted.
    """
    observer = observer or Observer()
    if judged_on == "test":
        refuse_nothing_held_out(request.holdout, request.dataset.test_cases, request.dataset.path)
    refuse_another_study(request, arms, {"judged_on": judged_on})
    results: list[ArmResult] = []
    for number, arm in enumerate(arms, start=1):
        left = time_left([_planned(request, each) for each in arms], request.budget_seconds)
        observer.stage(f"arm {number} of {len(arms)}: {arm.name}{left}")
        results.append(_result(request, arm, judged_on, observer))
    models = {arm.name: _model(request, arm) for arm in arms}
    return Ablation(
        dataset=request.dataset.open().name,
        judged_on=judged_on,
        results=tuple(results),
        curves={name: read_curves(model / "run" / "log.jsonl") for name, model in models.items()},
        minutes={name: _minutes(model) for name, model in models.items()},
    )


def _minutes(model: Path) -> dict[int, float]:
    """Give the minutes of training before each validation, by its iteration, from the run's log."""
    elapsed, minutes = 0.0, dict[int, float]()
    for event in read_log(model / "run" / "log.jsonl"):
        if event["event"] == "validation":
            minutes[event["iteration"]] = elapsed / 60
        elapsed += event.get("seconds", 0.0)
    return minutes


def _model(request: TrainRequest, arm: Arm) -> Path:
    return request.output / "arms" / arm.name / "model"


def _planned(request: TrainRequest, arm: Arm) -> Planned:
    iterations = request.iterations or load_recipe(arm.recipe, arm.set).training.iterations
    return Planned(name=arm.name, model=_model(request, arm), datasets=1, iterations=iterations)


def _result(request: TrainRequest, arm: Arm, judged_on: str, observer: Observer) -> ArmResult:
    path = request.output / "arms" / arm.name / RESULT
    if path.exists():
        return ArmResult(**json.loads(path.read_text(encoding="utf-8")))
    model = _model(request, arm)
    finish_run(run_of_arm(request, arm, model), observer)
    stored = read_model(model)
    [domain] = stored.domains.values()
    judged = _held_out(request, model, observer) if judged_on == "test" else None
    result = ArmResult(
        name=arm.name,
        recipe=" ".join([arm.recipe, *arm.set]),
        parameters=stored.num_parameters(),
        iterations=stored.provenance["iterations"],
        seconds=stored.provenance["seconds"],
        seconds_per_iteration=median_seconds(model / "run" / "log.jsonl"),
        validation_dice=domain.validation.get("mean_dice"),
        held_out_dice=None if judged is None else judged.dice,
        held_out_low=None if judged is None else judged.low,
        held_out_high=None if judged is None else judged.high,
        dice=dict(domain.validation.get("dice", {})) if judged is None else judged.dice_by_class,
    )
    write_json(path, asdict(result))
    return result


def _held_out(request: TrainRequest, model: Path, observer: Observer) -> HeldOut:
    judged = predict_and_judge(
        model, request.dataset, model.parent, device=request.device, jobs=request.jobs, observer=observer
    )
    return HeldOut.of(judged)
