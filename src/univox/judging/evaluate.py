"""Judge a folder of predictions against a dataset's labels: one row per case and class."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

from univox import metrics, parallel
from univox.data.case import Case
from univox.data.dataset import Dataset, read_case_label
from univox.data.source_digests import source_digests
from univox.errors import DatasetError, GeometryError, LabelError, UnivoxError
from univox.image import Image, Label, grid_difference, read_label
from univox.judging.annotated import annotated_voxels
from univox.judging.measures import Measures, judged
from univox.judging.objects import objects_of_case
from univox.judging.pairing import Pairing, pair_predictions
from univox.judging.reliability import Reliability, measure_reliability
from univox.judging.scores import DEFAULT_MEASURES, ClassScore, evaluate_arrays, evaluate_segments, mean_dice
from univox.judging.statistics import Summary, summarize
from univox.metrics.catalog import Metric
from univox.metrics.catalog.objects import GROUP as OBJECT_GROUP
from univox.parallel import OnProgress, map_cases


@dataclass(frozen=True)
class CaseResult:
    """One judged case.

    Args:
        case: The dataset's case.
        prediction: The file that was judged.
        spacing_mm: Of the label's grid, array order.
        scores: One per foreground class.
        confusion: K rows of K voxel counts; row = class in the label, column = class in the prediction.
        digests: sha256 of the label's files, then of the prediction's, each with its suffix.
        reliability: Of the probabilities beside the prediction; None where there are none.
        unreliable: Why the probabilities that are there could not be judged.
        whole: Figures of the case as a whole, metric name -> figure; empty where none is asked for.
    """

    case: Case
    prediction: Path
    spacing_mm: tuple[float, ...]
    scores: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...] = ()
    digests: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    reliability: Reliability | None = field(default=None, compare=False)
    unreliable: str = ""
    whole: Mapping[str, float] = field(default_factory=dict[str, float])

    @property
    def name(self) -> str:
        """Name of the case."""
        return self.case.name

    @property
    def mean_dice(self) -> float:
        """Mean Dice of the foreground classes; nan where none occurs in label or prediction."""
        return mean_dice(self.scores)


@dataclass(frozen=True)
class Failure:
    """A case that could not be judged, and why.

    Args:
        case: Its name.
        kind: "missing": no prediction; "ambiguous": several; "unusable": the prediction or
            the label cannot be read, or they cannot be compared.
        cause: What is wrong.
        remedy: What to do about it.
        path: The file at fault.
    """

    case: str
    kind: Literal["missing", "ambiguous", "unusable"]
    cause: str
    remedy: str
    path: Path | None


@dataclass(frozen=True)
class Evaluation:
    """What the predictions are worth.

    Args:
        dataset: Whose labels were the measure.
        results: One per judged case, worst mean Dice first.
        failures: Cases that could not be judged, by name.
        extra: Prediction files that belong to no labelled case.
        measures: Which metrics were judged, and by which conventions.
    """

    dataset: Dataset
    results: tuple[CaseResult, ...]
    failures: tuple[Failure, ...]
    extra: tuple[Path, ...]
    measures: Measures = DEFAULT_MEASURES

    @property
    def class_names(self) -> tuple[str, ...]:
        """Foreground classes, in the dataset's order."""
        return tuple(self.dataset.classes.names[1:])

    @property
    def size_unit(self) -> str:
        """Unit of every size: "ml", or "mm2" of a 2-D dataset."""
        return metrics.extent_unit(self.dataset.spatial_dims)

    @property
    def metrics(self) -> tuple[Metric[Any], ...]:
        """What every score holds, in the order of every table: figures that judge, and facts as sizes are."""
        return self.measures.of_classes(self.dataset.spatial_dims)

    @property
    def judged(self) -> tuple[Metric[Any], ...]:
        """Of `metrics`, those that say how good a prediction is."""
        return judged(self.metrics)

    @property
    def case_metrics(self) -> tuple[Metric[Any], ...]:
        """What is judged of a case as a whole; often nothing."""
        return self.measures.of_cases()

    @property
    def interior(self) -> tuple[str, ...]:
        """Classes whose voxels make the segments of whole cases."""
        classes = self.dataset.classes
        return tuple(classes.names[index] for index in self.measures.interior_indices(classes))

    @cached_property
    def mean_foreground_dice(self) -> Summary:
        """Over the cases: each one's mean Dice of its foreground classes."""
        return summarize(result.mean_dice for result in self.results)

    @cached_property
    def summaries(self) -> dict[str, dict[str, Summary]]:
        """Each metric of each class over the cases: class name -> metric name -> summary."""
        return {
            name: {metric.name: summarize(self.values(name, metric.name)) for metric in self.judged}
            for name in self.class_names
        }

    @cached_property
    def case_summaries(self) -> dict[str, Summary]:
        """Each metric of whole cases over the cases: metric name -> summary."""
        return {
            metric.name: summarize(result.whole[metric.name] for result in self.results) for metric in self.case_metrics
        }

    def values(self, class_name: str, metric: str) -> list[float]:
        """One metric of one class, one value per result in their order.

        Raises:
            MetricError: It was not judged.
        """
        index = self.class_names.index(class_name)
        return [result.scores[index][metric] for result in self.results]


def evaluate(
    predictions: Path | Sequence[Path],
    dataset: Dataset,
    *,
    cases: Sequence[str] | None = None,
    measures: Measures = DEFAULT_MEASURES,
    jobs: int = 1,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Judge predictions against the labels of a dataset, where somebody labelled it.

    A prediction holds the dataset's own codes, on the grid of the label. A case that cannot be judged is
    listed in `failures` and costs the others nothing.

    Args:
        predictions: A folder, or files and folders; see `pair_predictions` for the names.
        dataset: Whose labelled cases count.
        cases: Names of the cases to judge; all labelled ones if left out.
        measures: Which metrics, and by which conventions.
        jobs: Processes at once.
        on_progress: Called with (done, total) after each case.

    Returns:
        The results, worst first.

    Raises:
        FileError: A path of `predictions` does not exist.
        DatasetError: A name in `cases` is no labelled case, or no prediction has the name of a case.
        MetricError: `measures` names a class that the dataset has not.
    """
    measures.interior_indices(dataset.classes)
    wanted = _wanted(dataset, cases)
    pairing = pair_predictions(predictions, dataset.labelled)
    _refuse_strangers(pairing, dataset, wanted)
    pairs = [(case, pairing.found[case.name]) for case in wanted if case.name in pairing.found]
    outcomes = map_cases(partial(_judge, dataset, measures), pairs, jobs=jobs, on_progress=on_progress)
    judged = list(zip(pairs, outcomes, strict=True))
    failures = [_unusable(case, path, o.error) for (case, path), o in judged if isinstance(o, parallel.Failure)]
    failures += [_unpaired(case, pairing) for case in wanted if case.name not in pairing.found]
    return Evaluation(
        dataset=dataset,
        results=tuple(sorted((o for o in outcomes if isinstance(o, CaseResult)), key=_badness)),
        failures=tuple(sorted(failures, key=lambda failure: failure.case)),
        extra=pairing.extra,
        measures=measures,
    )


def read_prediction(dataset: Dataset, path: Path, label: Label) -> Label:
    """Read a prediction as class indices, on the grid of its label.

    Args:
        dataset: Whose codes the file holds.
        path: The prediction.
        label: The case's label.

    Returns:
        The prediction; its array holds class indices.

    Raises:
        FileError: The file cannot be read.
        LabelError: It holds a code that the dataset does not declare.
        GeometryError: Its grid is not the label's.
    """
    stored = read_label(path)
    difference = difference_of_maps(label, stored)
    if difference is not None:
        raise GeometryError(
            expected="a prediction on the grid of its label",
            got=difference,
            remedy="write the prediction on the grid of the image that it was made from",
            path=path,
        )
    try:
        return replace(stored, array=dataset.classes.of_prediction(stored.array).to_index(stored.array))
    except LabelError as error:
        raise LabelError(
            expected=error.expected, got=error.got, remedy="write the dataset's own codes", path=path
        ) from error


def _judge(dataset: Dataset, measures: Measures, pair: tuple[Case, Path]) -> CaseResult:
    case, path = pair
    label = read_case_label(dataset, case)
    prediction = read_prediction(dataset, path, label)
    scores = evaluate_arrays(
        label.array,
        prediction.array,
        class_names=dataset.classes.names,
        spacing_mm=label.spacing_mm,
        measures=measures,
    )
    interior = measures.interior_indices(dataset.classes)
    voxels = annotated_voxels(label.array, prediction.array)
    confusion = metrics.confusion_matrix(*voxels, dataset.classes.num_classes)
    objects = None
    if any(metric.group == OBJECT_GROUP for metric in measures.of_cases()):
        objects = objects_of_case(dataset, case, path, label.array, prediction.array, interior)
    reliability, unreliable = measure_reliability(path, label, prediction.array)
    return CaseResult(
        case,
        path,
        label.spacing_mm,
        scores,
        confusion=tuple(map(tuple, confusion.tolist())),
        digests=(_digests(case.label), _digests(path)),
        reliability=reliability,
        unreliable=unreliable,
        whole=evaluate_segments(label.array, prediction.array, interior=interior, measures=measures, objects=objects),
    )


def _digests(path: Path | None) -> tuple[str, ...]:
    return () if path is None else tuple(source_digests(path))


def _unusable(case: Case, path: Path, error: Exception) -> Failure:
    if isinstance(error, UnivoxError):
        cause = f"expected {error.expected}, got {error.got}"
        return Failure(case.name, "unusable", cause, error.remedy, error.path or path)
    return Failure(case.name, "unusable", f"{type(error).__name__}: {error}", "look at this file", path)


def _wanted(dataset: Dataset, names: Sequence[str] | None) -> list[Case]:
    if names is None:
        wanted = list(dataset.labelled)
    else:
        by_name = {case.name: case for case in dataset.labelled}
        unknown = [name for name in names if name not in by_name]
        if unknown:
            raise DatasetError(
                expected="names of labelled cases",
                got=", ".join(unknown[:5]),
                remedy=f"choose among {', '.join(list(by_name)[:5])}, ...",
                path=dataset.root,
            )
        wanted = [by_name[name] for name in dict.fromkeys(names)]
    if not wanted:
        raise DatasetError(
            expected="cases with labels to judge by",
            got="none",
            remedy="give a dataset that has labels",
            path=dataset.root,
        )
    return wanted


def _refuse_strangers(pairing: Pairing, dataset: Dataset, wanted: Sequence[Case]) -> None:
    """Nothing at all in common is a wrong folder, not a hundred missing files."""
    if any(case.name in pairing.found or case.name in pairing.ambiguous for case in wanted):
        return
    seen = ", ".join(path.name for path in pairing.extra[:3]) or "no readable file"
    raise DatasetError(
        expected=f"predictions named like the cases of {dataset.name} ({wanted[0].name}, ...)",
        got=seen,
        remedy="give the folder that `univox predict` wrote for this dataset",
    )


def _unpaired(case: Case, pairing: Pairing) -> Failure:
    several = pairing.ambiguous.get(case.name)
    if several is None:
        return Failure(case.name, "missing", "no prediction has this name", "predict this case", None)
    names = ", ".join(str(path) for path in several)
    return Failure(case.name, "ambiguous", f"several predictions: {names}", "leave one of them", several[0])


def _badness(result: CaseResult) -> tuple[bool, float, str]:
    """Sorting key: lowest mean Dice first, those without one last."""
    absent = math.isnan(result.mean_dice)
    return absent, 0.0 if absent else result.mean_dice, result.name


def difference_of_maps(label: Label | Image, other: Label | Image) -> str | None:
    """Say in words how the grids of two maps of one case differ; None where they agree.

    Of pictures only the shape counts: programs that write PNG or TIFF put in any resolution, or none.
    """
    pixels = label.spatial_dims == 2 and not (label.stored.oriented or other.stored.oriented)
    if pixels and label.spatial_shape == other.spatial_shape:
        return None
    return grid_difference(label, other)
