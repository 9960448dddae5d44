"""One dataset, one split, one budget, several recipes: which choice pays?"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from univox.atomic import write_json
from univox.errors import CheckpointError, DatasetError
from univox.inference.inputs import Input
from univox.inference.predict_files import predict_files
from univox.inference.predictor import Predictor
from univox.inference.record import write_record
from univox.model.domain import Domain
from univox.model.folder import read_model
from univox.studies.arms import Arm
from univox.studies.evaluate import Evaluation
from univox.studies.judge import judge
from univox.studies.plots import Curves, read_curves
from univox.training.log import read_log
from univox.training.observer import Observer
from univox.training.request import TrainRequest
from univox.training.run import train

RESULT = "result.json"
FORMAT_VERSION = 1


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
    if judged_on == "test" and request.holdout <= 0 and not request.test_cases:
        raise DatasetError(
            expected="held-out cases to judge the arms on",
            got="none",
            remedy="--holdout 0.2, or --judge-on validation",
            path=request.dataset.path,
        )
    _refuse_another_study(request, arms, judged_on)
    results: list[ArmResult] = []
    for number, arm in enumerate(arms, start=1):
        observer.stage(f"arm {number} of {len(arms)}: {arm.name}{_time_left(request, len(arms) - number + 1)}")
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


def _time_left(request: TrainRequest, arms: int) -> str:
    if request.budget_seconds is None:
        return ""
    return f" (at most {math.ceil(arms * request.budget_seconds / 60)} min of training from here)"


def _refuse_another_study(request: TrainRequest, arms: Sequence[Arm], judged_on: str) -> None:
    path = request.output / "study.json"
    asked = request.model_dump(mode="json", exclude={"output", "jobs", "workers", "cache", "tensorboard"})
    wanted: dict[str, Any] = {"format_version": FORMAT_VERSION, "judged_on": judged_on, "request": asked}
    now = {arm.name: arm.model_dump(mode="json") for arm in arms}
    known: dict[str, Any] = {}
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8"))
        known = {arm["name"]: arm for arm in there.pop("arms", [])}
        changed = [name for name in now if name in known and known[name] != now[name]]
        if there != wanted or changed:
            raise CheckpointError(
                expected="the study that this folder holds, or a new folder",
                got=f"another arm {changed[0]}" if changed else "another dataset, split, budget or seed",
                remedy="choose another -o, or ask for the same study to go on with it",
                path=request.output,
            )
    # Arms that are not asked for this time stay known: their results are still there.
    write_json(path, {**wanted, "arms": list({**known, **now}.values())})


def _result(request: TrainRequest, arm: Arm, judged_on: str, observer: Observer) -> ArmResult:
    path = request.output / "arms" / arm.name / RESULT
    if path.exists():
        return ArmResult(**json.loads(path.read_text(encoding="utf-8")))
    model = _model(request, arm)
    own = request.model_copy(
        update={
            "output": model,
            "recipe": arm.recipe,
            "overrides": arm.set,
            "init_from": arm.init_from,
            "init_part": arm.init_part,
            "freeze": arm.freeze,
        }
    )
    if not (model / "model.json").exists():
        train(own, resume=(model / "run" / "request.json").exists(), observer=observer)
    stored = read_model(model)
    [domain] = stored.domains.values()
    judged = _held_out(request, model, observer) if judged_on == "test" else None
    result = ArmResult(
        name=arm.name,
        recipe=" ".join([arm.recipe, *arm.set]),
        parameters=stored.num_parameters(),
        iterations=stored.provenance["iterations"],
        seconds=stored.provenance["seconds"],
        seconds_per_iteration=_pace(model),
        validation_dice=domain.validation.get("mean_dice"),
        held_out_dice=None if judged is None else judged.mean_foreground_dice.mean,
        held_out_low=None if judged is None else judged.mean_foreground_dice.low,
        held_out_high=None if judged is None else judged.mean_foreground_dice.high,
        dice=_class_dice(domain, judged),
    )
    write_json(path, asdict(result))
    return result


def _pace(model: Path) -> float:
    events = read_log(model / "run" / "log.jsonl")
    return statistics.median([event["seconds"] for event in events if event["event"] == "iteration"])


def _class_dice(domain: Domain, judged: Evaluation | None) -> dict[str, float | None]:
    if judged is None:
        return dict(domain.validation.get("dice", {}))
    return {name: by_metric["dice"].mean for name, by_metric in judged.summaries.items()}


def _held_out(request: TrainRequest, model: Path, observer: Observer) -> Evaluation:
    observer.stage("predicting and judging the held-out cases")
    dataset = request.dataset.open()
    test = set(read_model(model).domain().split["test"])
    predictor = Predictor(model, device=request.device)
    inputs = [Input(case.name, case.images) for case in dataset.labelled if case.name in test]
    predictions = model.parent / "predictions"
    outcomes = predict_files(predictor, inputs, predictions, overwrite=True)
    for outcome in outcomes:
        if outcome.status == "failed":
            raise DatasetError(expected=f"to predict {outcome.name}", got=outcome.message, remedy="see `univox doctor`")
    write_record(predictions, predictor, outcomes)
    return judge(predictions, dataset, model.parent / "evaluation", jobs=request.jobs)
