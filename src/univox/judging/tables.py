"""The figures of an evaluation as files: CSV for people and spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from univox.atomic import write_json, write_text
from univox.errors import FileError
from univox.judging.confusion import confusion_of
from univox.judging.evaluate import Evaluation
from univox.judging.reliability import reliability_of
from univox.judging.scores import METRICS, ClassScore
from univox.judging.statistics import CONFIDENCE, Summary

FORMAT_VERSION = 1
SEGMENTS_TABLE = "segments.csv"
SIZES = frozenset(metric.name for metric in METRICS if metric.unit == "size")
FOREGROUND, WHOLE_CASE = "(foreground)", "(case)"
"""Where a line of summary.csv tells of no single class."""
SIZE_WORDS = {"ml": "volume", "mm2": "area", "mm": "length"}


def write_tables(
    evaluation: Evaluation, folder: Path, *, provenance: Mapping[str, Any] | None = None
) -> tuple[Path, Path, Path]:
    """Write cases.csv (worst cases first), summary.csv and metrics.json; segments.csv where cases were judged whole.

    Args:
        evaluation: What to write.
        folder: Where; made if missing.
        provenance: Kept in metrics.json: command, versions and what else a reader must know.

    Returns:
        The paths of the three that are always there.

    Raises:
        FileError: A file cannot be written.
    """
    cases, summary, json = folder / "cases.csv", folder / "summary.csv", folder / "metrics.json"
    write_text(cases, cases_csv(evaluation))
    write_text(summary, summary_csv(evaluation))
    if evaluation.case_metrics:
        write_text(folder / SEGMENTS_TABLE, segments_csv(evaluation))
    write_json(json, metrics_json(evaluation, provenance=provenance))
    return cases, summary, json


def cases_csv(evaluation: Evaluation) -> str:
    """Give one line per case and class, worst cases first; "nan" and "inf" as the metrics' rules say."""
    names = [metric.name for metric in evaluation.metrics]
    rows = (
        [result.name, score.class_name, *(repr(score[name]) for name in names)]
        for result in evaluation.results
        for score in result.scores
    )
    return _csv(["case", "class", *(column(name, evaluation.size_unit) for name in names)], rows)


def segments_csv(evaluation: Evaluation) -> str:
    """Give one line per case, with the metrics of the case as a whole, in the order of cases.csv."""
    names = [metric.name for metric in evaluation.case_metrics]
    rows = ([result.name, *(repr(result.whole[name]) for name in names)] for result in evaluation.results)
    return _csv(["case", *names], rows)


def read_cases_csv(path: Path) -> list[tuple[str, ClassScore]]:
    """Read cases.csv back: (case name, score) per line, in the file's order.

    Raises:
        FileError: The file cannot be read, or is no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header, *lines = list(csv.reader(stream))
        if header[:2] != ["case", "class"] or "dice" not in header:
            raise ValueError(f"columns {', '.join(header[:4])}")
        names = [_metric_of(heading) for heading in header[2:]]
        return [(row[0], ClassScore(row[1], dict(zip(names, map(float, row[2:]), strict=True)))) for row in lines]
    except (OSError, UnicodeDecodeError, csv.Error, ValueError, IndexError) as error:
        raise FileError(
            expected="a table written by `univox evaluate`",
            got=str(error),
            remedy="evaluate again",
            path=path,
        ) from error


def summary_csv(evaluation: Evaluation) -> str:
    """Give one line per class and metric; the first is the mean foreground Dice, those of whole cases follow."""
    names = [field.name for field in fields(Summary)]
    rows = [[FOREGROUND, "dice", *_cells(evaluation.mean_foreground_dice)]]
    rows += [[WHOLE_CASE, metric, *_cells(summary)] for metric, summary in evaluation.case_summaries.items()]
    for class_name, by_metric in evaluation.summaries.items():
        for metric, summary in by_metric.items():
            rows.append([class_name, column(metric, evaluation.size_unit), *_cells(summary)])
    renamed = {"low": "interval_low", "high": "interval_high"}
    return _csv(["class", "metric", *(renamed.get(name, name) for name in names)], rows)


def metrics_json(evaluation: Evaluation, *, provenance: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give everything as strictly valid JSON: nan becomes null, infinity the string "inf".

    In a summary, what is nan or infinite is counted under "left_out".
    """
    unit = evaluation.size_unit
    return {
        "format_version": FORMAT_VERSION,
        "dataset": evaluation.dataset.name,
        "interval": CONFIDENCE,
        "measures": asdict(evaluation.measures),
        "mean_foreground_dice": _summary(evaluation.mean_foreground_dice),
        "whole_cases": {metric: _summary(summary) for metric, summary in evaluation.case_summaries.items()},
        "classes": {
            class_name: {column(metric, unit): _summary(summary) for metric, summary in by_metric.items()}
            for class_name, by_metric in evaluation.summaries.items()
        },
        "cases": [
            {
                "case": result.name,
                "prediction": str(result.prediction),
                "mean_dice": json_number(result.mean_dice),
                "whole": {metric: json_number(value) for metric, value in result.whole.items()},
                "classes": {score.class_name: _score(score, unit) for score in result.scores},
            }
            for result in evaluation.results
        ],
        "failures": [
            {**asdict(failure), "path": None if failure.path is None else str(failure.path)}
            for failure in evaluation.failures
        ],
        "extra": [str(path) for path in evaluation.extra],
        "metrics": {
            column(metric.name, unit): metric.title for metric in (*evaluation.metrics, *evaluation.case_metrics)
        },
        "confusion": _confusion(evaluation),
        "calibration": _calibration(evaluation),
        "provenance": dict(provenance or {}),
    }


def _confusion(evaluation: Evaluation) -> dict[str, Any]:
    """Rows of voxel counts over all cases; row = class in the label, column = class in the prediction."""
    confusion = confusion_of(evaluation.results, evaluation.dataset.classes.names)
    return {"classes": list(confusion.class_names), "voxels": confusion.voxels.tolist()}


def _calibration(evaluation: Evaluation) -> dict[str, Any] | None:
    """Expected calibration errors where probabilities were kept beside predictions."""
    found = reliability_of(result.reliability for result in evaluation.results)
    if found is None:
        return None
    return {
        "cases": sum(result.reliability is not None for result in evaluation.results),
        "expected_error_foreground": json_number(found.foreground.expected_error),
        "expected_error_everywhere": json_number(found.everywhere.expected_error),
    }


def column(field: str, size_unit: str) -> str:
    """Name of a metric in a table, with the unit of sizes.

    >>> column("volume_difference", "ml"), column("volume_label", "mm2"), column("dice", "ml")
    ('volume_difference_ml', 'area_label_mm2', 'dice')
    """
    if field in SIZES:
        return f"{SIZE_WORDS[size_unit]}{field.removeprefix('volume')}_{size_unit}"
    return field.replace("volume", SIZE_WORDS[size_unit])


def _metric_of(heading: str) -> str:
    for metric in METRICS:
        if heading in {column(metric.name, unit) for unit in SIZE_WORDS}:
            return metric.name
    raise ValueError(f"no metric has the column {heading!r}")


def json_number(value: float) -> float | str | None:
    """Give a number that strict JSON can hold.

    >>> json_number(0.5), json_number(math.nan), json_number(math.inf)
    (0.5, None, 'inf')
    """
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else str(value)


def _summary(summary: Summary) -> dict[str, Any]:
    values = asdict(summary)
    interval = [json_number(values.pop("low")), json_number(values.pop("high"))]
    return {**{name: json_number(value) for name, value in values.items()}, "interval": interval}


def _score(score: ClassScore, unit: str) -> dict[str, Any]:
    return {column(name, unit): json_number(value) for name, value in score.values.items()}


def _cells(summary: Summary) -> list[str]:
    return [repr(value) for value in asdict(summary).values()]


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()
