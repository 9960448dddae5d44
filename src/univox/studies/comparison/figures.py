"""What each case of a contestant is worth, kept beside its predictions so that nothing is judged twice."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from univox.atomic import write_json
from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.source_digests import source_digests
from univox.errors import DatasetError
from univox.judging.evaluate import CaseResult, evaluate
from univox.judging.measures import Measures
from univox.judging.pairing import pair_predictions
from univox.judging.tables import json_number

FIGURES = "figures.json"


@dataclass(frozen=True)
class Figures:
    """One contestant's figures.

    Args:
        mean_dice: Mean foreground Dice by case; nan where it has none.
        by_class: Each figure by case, class and name of the metric.
    """

    mean_dice: Mapping[str, float]
    by_class: Mapping[str, Mapping[str, Mapping[str, float]]]


def case_figures(
    predictions: Path,
    dataset: Dataset,
    cases: Sequence[Case],
    folder: Path,
    *,
    metrics: Sequence[str],
    jobs: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Figures:
    """Judge cases whose label or prediction is not what it was when they were judged last; read the others.

    Args:
        predictions: Folder of label files.
        dataset: Whose labels are the measure.
        cases: Whose figures are wanted; each has a prediction.
        folder: Keeps the figures.
        metrics: Names of those wanted.
        jobs: Cases judged at once.
        on_progress: Called with (done, total) of those judged.

    Raises:
        DatasetError: A case has no prediction, several, or one that cannot be judged.
        FileError: The folder cannot be written.
    """
    known = _read(folder / FIGURES)
    found = pair_predictions(predictions, cases).found
    digests = {case.name: _digests(case, found[case.name]) for case in cases if case.name in found}
    new = [case.name for case in cases if not _is_current(known.get(case.name), digests.get(case.name), metrics)]
    if new:
        # What was asked for before stays known: a study may be asked for another metric and then the first again.
        names = dict.fromkeys((*metrics, *(name for each in known.values() for name in _metrics_of(each))))
        evaluation = evaluate(
            predictions, dataset, cases=new, measures=Measures(tuple(names)), jobs=jobs, on_progress=on_progress
        )
        for failure in evaluation.failures:
            raise DatasetError(
                expected=f"a prediction of {failure.case} that can be judged",
                got=failure.cause,
                remedy=failure.remedy,
                path=failure.path or predictions,
            )
        known |= {result.name: _as_json(result) for result in evaluation.results}
        write_json(folder / FIGURES, known)
    return Figures(
        mean_dice={case.name: _number(known[case.name]["mean_dice"]) for case in cases},
        by_class={
            case.name: {
                name: {metric: _number(value) for metric, value in values.items()}
                for name, values in known[case.name]["classes"].items()
            }
            for case in cases
        },
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Missing or broken, it is made again.
        return {}
    return values if isinstance(values, dict) else {}


def _digests(case: Case, prediction: Path) -> list[list[str]]:
    return [[] if case.label is None else list(source_digests(case.label)), list(source_digests(prediction))]


def _is_current(known: dict[str, Any] | None, digests: list[list[str]] | None, metrics: Sequence[str]) -> bool:
    if known is None or digests is None or known["digests"] != digests:
        return False
    return set(metrics) <= set(_metrics_of(known))


def _metrics_of(known: dict[str, Any]) -> list[str]:
    """Give the names of the metrics that every class of a case has a figure of."""
    by_class = list(known["classes"].values())
    return [name for name in by_class[0] if all(name in values for values in by_class)] if by_class else []


def _as_json(result: CaseResult) -> dict[str, Any]:
    return {
        "digests": [list(side) for side in result.digests],
        "mean_dice": json_number(result.mean_dice),
        "classes": {
            score.class_name: {name: json_number(value) for name, value in score.values.items()}
            for score in result.scores
        },
    }


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
