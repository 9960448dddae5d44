"""Predictions of several models, each case once, with the time that is left."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from univox.atomic import write_json
from univox.data.case import Case
from univox.errors import DatasetError
from univox.inference.case_output import Outcome, output_path
from univox.inference.inputs import Input
from univox.inference.predict_files import predict_files
from univox.inference.predictor import Predictor
from univox.inference.record import write_record
from univox.studies.comparison.contestants import Contestant
from univox.training.observer import Observer

PREDICTIONS = "predictions"
SECONDS = "seconds.json"


def predict_all(
    contestants: Sequence[Contestant],
    cases: Sequence[Case],
    folders: Mapping[str, Path],
    *,
    device: str,
    observer: Observer,
) -> None:
    """Let every model predict the cases that it has not predicted; one case of each is timed first.

    Args:
        contestants: Folders of predictions among them are left as they are.
        cases: All that are wanted.
        folders: Of each contestant in the study; get `predictions` and the seconds of each case.
        device: As in `Predictor`.
        observer: Hears how long it will take, and of each case.

    Raises:
        DatasetError: A case could not be predicted.
    """
    inputs = [Input(case.name, case.images) for case in cases]
    left = {each.name: _left(inputs, folders[each.name]) for each in contestants if each.predicts}
    models = [each for each in contestants if left.get(each.name)]
    if not models:
        return
    observer.stage("timing one case of each model")
    expected = 0.0
    for each in models:
        first, *rest = left[each.name]
        expected += sum(_predict(each, [first], folders[each.name], device, observer)) * len(rest)
        left[each.name] = rest
    minutes = math.ceil(expected / 60)
    total = sum(map(len, left.values()))
    if total:
        observer.stage(f"predicting {total} cases more: about {minutes} min from here, as the timed cases took")
    for each in models:
        if left[each.name]:
            observer.stage(f"predicting by {each.name}")
            _predict(each, inputs, folders[each.name], device, observer)


def read_seconds(folder: Path) -> dict[str, float]:
    """Read the seconds of each case that the study let a contestant predict."""
    try:
        return json.loads((folder / SECONDS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _left(inputs: Sequence[Input], folder: Path) -> list[Input]:
    return [entry for entry in inputs if not output_path(folder / PREDICTIONS, entry).exists()]


def _predict(each: Contestant, inputs: Sequence[Input], folder: Path, device: str, observer: Observer) -> list[float]:
    if each.model is None or each.domain is None:
        return []
    predictor = Predictor(each.model, domain=each.domain.name, device=device)
    seconds = read_seconds(folder)
    done = 0

    def note(outcome: Outcome) -> None:
        nonlocal done
        if outcome.status == "failed":
            raise DatasetError(
                expected=f"{each.name} to predict {outcome.name}", got=outcome.message, remedy="see `univox doctor`"
            )
        done += 1
        if outcome.status == "written":
            seconds[outcome.name] = round(outcome.seconds, 3)
            write_json(folder / SECONDS, seconds)
        observer.advance(done, len(inputs))

    outcomes = predict_files(predictor, inputs, folder / PREDICTIONS, on_case=note)
    write_record(folder / PREDICTIONS, predictor, outcomes)
    return [outcome.seconds for outcome in outcomes]
