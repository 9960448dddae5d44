"""Several models on the same cases: which is better, by how much, and might that be chance?"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from univox.atomic import write_json
from univox.data.case import Case
from univox.data.dataset import Dataset
from univox.data.source import DatasetSource
from univox.errors import CheckpointError, RecipeError
from univox.judging.paired import Paired, holm, paired
from univox.judging.plots import Curves, read_curves
from univox.judging.statistics import Summary, summarize
from univox.metrics.catalog import METRICS, Metric, find_metric
from univox.model.lineage import training_log
from univox.studies.comparison.contestants import Contestant, choose_contestants
from univox.studies.comparison.fair_cases import fair_cases
from univox.studies.comparison.figures import Figures, case_figures
from univox.studies.comparison.predicting import PREDICTIONS, predict_all, read_seconds
from univox.training.observer import Observer

FORMAT_VERSION = 1
MEAN = "mean foreground"


@dataclass(frozen=True)
class Asked:
    """What is to be compared.

    Args:
        source: The dataset.
        models: "FOLDER" or "NAME=FOLDER" of each model or folder of predictions.
        output: The study's folder.
        cases: Names of cases; none: those that nobody learned from.
        metrics: Names of what is compared.
        domain: Of models that have several.
        device: As in `Predictor`.
        jobs: Cases judged at once.
    """

    source: DatasetSource
    models: tuple[str, ...]
    output: Path
    cases: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("dice",)
    domain: str | None = None
    device: str = "auto"
    jobs: int = 1


@dataclass(frozen=True)
class Row:
    """One metric of one class, of two contestants.

    Args:
        metric: What is compared.
        class_name: The class, or `MEAN`.
        first, second: Their names.
        result: First minus second.
        corrected: p by Holm over all rows of the metric; none where there was no test.
    """

    metric: Metric[Any]
    class_name: str
    first: str
    second: str
    result: Paired
    corrected: float | None


@dataclass(frozen=True)
class Comparison:
    """A finished comparison.

    Args:
        dataset: Its name.
        contestants: In the order asked for.
        cases: Those compared on.
        notes: What a reader must know of them.
        rows: By metric, pair and class.
        values: One figure per case, by metric, class and contestant.
        curves: Of each contestant's training, where its log is there.
        seconds: Median time of predicting a case, where the study predicted.
    """

    dataset: str
    contestants: tuple[Contestant, ...]
    cases: tuple[Case, ...]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    values: Mapping[str, Mapping[str, Mapping[str, tuple[float, ...]]]]
    curves: Mapping[str, Curves]
    seconds: Mapping[str, float]

    @property
    def subjects(self) -> int:
        """How many subjects the cases are of."""
        return len({case.subject for case in self.cases})

    def summary(self, metric: str, class_name: str, contestant: str) -> Summary:
        """Give the mean over the cases, with its interval."""
        return summarize(self.values[metric][class_name][contestant])


def compare(asked: Asked, *, observer: Observer | None = None) -> Comparison:
    """Predict what is not predicted, judge what is not judged, and compare by pairs of the same case.

    Args:
        asked: Who, and on what.
        observer: Hears of it.

    Raises:
        CheckpointError: The folder holds another comparison.
        DatasetError: No fair case is left, or a case could not be predicted or judged.
        ModelError: A folder is no model and holds no predictions, or is of other classes.
        MetricError: There is no such metric.
        RecipeError: A metric that cannot be compared, or fewer than two contestants.
    """
    observer = observer or Observer()
    dataset = asked.source.open()
    metrics = tuple(dict.fromkeys(_metric(name, dataset) for name in asked.metrics))
    contestants = choose_contestants(asked.models, dataset, domain=asked.domain)
    chosen = fair_cases(contestants, dataset, asked.cases)
    _refuse_another(asked, contestants)
    for note in chosen.notes:
        observer.stage(note)
    folders = {each.name: asked.output / "models" / each.name for each in contestants}
    predict_all(contestants, chosen.cases, folders, device=asked.device, observer=observer)
    figures: dict[str, Figures] = {}
    for each in contestants:
        observer.stage(f"judging {each.name}")
        figures[each.name] = case_figures(
            folders[each.name] / PREDICTIONS if each.predicts else each.folder,
            dataset,
            chosen.cases,
            folders[each.name],
            metrics=[metric.name for metric in metrics],
            jobs=asked.jobs,
            on_progress=observer.advance,
        )
    values = {metric.name: _values(metric, figures, dataset, chosen.cases) for metric in metrics}
    return Comparison(
        dataset=dataset.name,
        contestants=contestants,
        cases=chosen.cases,
        notes=chosen.notes,
        rows=tuple(row for metric in metrics for row in _rows(metric, values[metric.name], chosen.cases)),
        values=values,
        curves=_curves(contestants),
        seconds={
            name: statistics.median(seconds.values()) for name in folders if (seconds := read_seconds(folders[name]))
        },
    )


def _metric(name: str, dataset: Dataset) -> Metric[Any]:
    metric = find_metric(name)
    # What is best at nothing, of either sign, their own difference does not rank; a size is not better or worse.
    if metric not in METRICS or metric.direction not in ("higher", "lower") or dataset.spatial_dims not in metric.dims:
        raise RecipeError(
            expected=f"a metric of one class in {dataset.spatial_dims}-D of which more or less is better",
            got=repr(name),
            remedy="name another by --metric; `univox metrics` lists them",
        )
    return metric


def _refuse_another(asked: Asked, contestants: Sequence[Contestant]) -> None:
    """Keep what is compared, or make sure that what is kept is the same; contestants may join."""
    path = asked.output / "study.json"
    # A field that a later version adds changes nothing of what was asked here.
    dataset = asked.source.resolved().model_dump(mode="json", exclude_defaults=True)
    wanted = {"format_version": FORMAT_VERSION, "study": "compare", "dataset": dataset}
    now = {each.name: each.identity for each in contestants}
    known: dict[str, str] = {}
    if path.exists():
        there = json.loads(path.read_text(encoding="utf-8"))
        known = there.pop("contestants", {})
        changed = [name for name in now if known.get(name, now[name]) != now[name]]
        if there != wanted or changed:
            raise CheckpointError(
                expected="the comparison that this folder holds, or a new folder",
                got=f"another {changed[0]}" if changed else "another dataset or study",
                remedy="choose another -o, or another NAME= for a model that has changed",
                path=asked.output,
            )
    write_json(path, {**wanted, "contestants": {**known, **now}})


def _values(
    metric: Metric[Any], figures: Mapping[str, Figures], dataset: Dataset, cases: Sequence[Case]
) -> dict[str, dict[str, tuple[float, ...]]]:
    """Give one figure per case by class and contestant; of several classes their mean Dice comes first."""
    classes = dataset.classes.names[1:]
    values = {
        name: {
            who: tuple(each.by_class[case.name][name][metric.name] for case in cases) for who, each in figures.items()
        }
        for name in classes
    }
    if metric.name != "dice" or len(classes) == 1:
        return values
    mean = {who: tuple(each.mean_dice[case.name] for case in cases) for who, each in figures.items()}
    return {MEAN: mean, **values}


def _rows(metric: Metric[Any], values: Mapping[str, Mapping[str, Sequence[float]]], cases: Sequence[Case]) -> list[Row]:
    subjects = [case.subject for case in cases]
    contestants = list(next(iter(values.values())))
    compared = [
        (name, first, second, paired(values[name][first], values[name][second], subjects=subjects))
        for first, second in itertools.combinations(contestants, 2)
        for name in values
    ]
    corrected = holm([result.test.p for *_, result in compared])
    return [Row(metric, *each, p) for each, p in zip(compared, corrected, strict=True)]


def _curves(contestants: Sequence[Contestant]) -> dict[str, Curves]:
    curves: dict[str, Curves] = {}
    for each in contestants:
        if each.model is not None and each.domain is not None:
            log = training_log(each.model, each.domain)
            if log is not None:
                curves[each.name] = read_curves(log, each.domain.name)
    return curves
