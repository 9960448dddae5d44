"""Tables that come back as they were, and JSON that every parser takes."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from univox.errors import FileError
from univox.judging import tables
from univox.judging.evaluate import Evaluation
from univox.judging.measures import Measures
from univox.judging.scores import ClassScore

COUNTED = ("counted", "left_out", "infinite")


def strictly(text: str) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_cases_come_back_worst_first(mixed_evaluation: Evaluation, tmp_path: Path) -> None:
    cases, _, _ = tables.write_tables(mixed_evaluation, tmp_path / "out")
    rows = tables.read_cases_csv(cases)
    assert [name for name, _ in rows] == ["missed", "missed", "shifted", "shifted", "perfect", "perfect"]
    expected = [score for result in mixed_evaluation.results for score in result.scores]
    for (_, read), score in zip(rows, expected, strict=True):
        assert read.class_name == score.class_name
        np.testing.assert_equal(dict(read.values), dict(score.values))


def test_headings_name_the_units(mixed_evaluation: Evaluation) -> None:
    header = tables.cases_csv(mixed_evaluation).splitlines()[0].split(",")
    assert header[:8] == ["case", "class", "dice", "iou", "precision", "recall", "specificity", "accuracy"]
    assert header[8:12] == ["hd95_mm", "hd_mm", "assd_mm", "surface_dice"]
    assert header[12:15] == ["volume_label_ml", "volume_prediction_ml", "volume_difference_ml"]
    assert header[15:] == ["volume_difference_percent", "volume_similarity"]


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_every_metric_comes_back_from_its_column(
    mixed_evaluation: Evaluation, tmp_path: Path, spatial_dims: int
) -> None:
    dataset = dataclasses.replace(mixed_evaluation.dataset, spatial_dims=spatial_dims)
    measures = Measures(metrics=("all",))
    named = {metric.name: n / 7 for n, metric in enumerate(measures.of_classes(spatial_dims))}
    whole = {metric.name: n / 9 for n, metric in enumerate(measures.of_cases())}
    scores = (ClassScore("front", named), ClassScore("back", named))
    result = dataclasses.replace(mixed_evaluation.results[0], scores=scores, whole=whole)
    given = Evaluation(dataset, (result,), (), (), measures)
    cases, _, json_path = tables.write_tables(given, tmp_path)
    assert tables.read_cases_csv(cases) == [("missed", score) for score in scores]
    (segments,) = csv.DictReader((tmp_path / "segments.csv").read_text().splitlines())
    assert segments == {"case": "missed", **{name: repr(value) for name, value in whole.items()}}
    read = strictly(json_path.read_text())
    assert read["cases"][0]["whole"] == whole
    assert read["whole_cases"]["rand_error"]["mean"] == whole["rand_error"]
    assert read["measures"] == {"metrics": ["all"], "tolerance_mm": 2.0, "empty": "nan", "interior": []}


def test_no_table_of_segments_where_none_is_asked_for(mixed_evaluation: Evaluation, tmp_path: Path) -> None:
    tables.write_tables(mixed_evaluation, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv", "metrics.json", "summary.csv"]


def test_names_with_commas_quotes_and_lines(mixed_evaluation: Evaluation, tmp_path: Path) -> None:
    name = 'a, "b"\nc'
    first = mixed_evaluation.results[0]
    odd = dataclasses.replace(first, case=dataclasses.replace(first.case, name=name))
    cases, _, _ = tables.write_tables(dataclasses.replace(mixed_evaluation, results=(odd,)), tmp_path)
    assert [read for read, _ in tables.read_cases_csv(cases)] == [name, name]


def test_summary_lists_every_class_and_metric(mixed_evaluation: Evaluation) -> None:
    lines = list(csv.DictReader(tables.summary_csv(mixed_evaluation).splitlines()))
    assert (lines[0]["class"], lines[0]["metric"]) == ("(foreground)", "dice")
    assert float(lines[0]["mean"]) == mixed_evaluation.mean_foreground_dice.mean
    assert len(lines) == 1 + 2 * 13
    assert list(lines[0])[2:] == ["mean", "sd", "median", "interval_low", "interval_high", *COUNTED]
    hd95 = next(line for line in lines if (line["class"], line["metric"]) == ("front", "hd95_mm"))
    assert (hd95["mean"], hd95["counted"], hd95["left_out"], hd95["infinite"]) == ("0.5", "2", "1", "1")
    assert float(hd95["interval_low"]) == mixed_evaluation.summaries["front"]["hd95_mm"].low


def test_metrics_json_is_strict_and_complete(mixed_evaluation: Evaluation, tmp_path: Path) -> None:
    _, _, path = tables.write_tables(mixed_evaluation, tmp_path, provenance={"command": "univox evaluate"})
    read = strictly(path.read_text())
    assert read["mean_foreground_dice"]["mean"] == mixed_evaluation.mean_foreground_dice.mean
    assert read["classes"]["front"]["hd95_mm"]["left_out"] == 1
    worst = read["cases"][0]
    assert (worst["case"], worst["mean_dice"]) == ("missed", 0.5)
    assert worst["classes"]["front"]["hd95_mm"] == "inf"
    assert worst["classes"]["front"]["precision"] is None
    assert {failure["case"]: failure["kind"] for failure in read["failures"]}["absent"] == "missing"
    assert read["provenance"] == {"command": "univox evaluate"}


def test_an_evaluation_without_results_is_still_strict(mixed_evaluation: Evaluation) -> None:
    empty = dataclasses.replace(mixed_evaluation, results=())
    value = strictly(json.dumps(tables.metrics_json(empty), allow_nan=False))
    assert value["mean_foreground_dice"] == {
        "mean": None,
        "sd": None,
        "median": None,
        "counted": 0,
        "left_out": 0,
        "infinite": 0,
        "interval": [None, None],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "case,class\na,b,0.5\n",
        "case,class,dice\na,b,zero\n",
        "case,class,dice,luck\na,b,1,1\n",
        "case,class,dice\na,b\n",
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text)
    with pytest.raises(FileError, match="written by `univox evaluate`"):
        tables.read_cases_csv(path)
    with pytest.raises(FileError, match=r"absent.csv"):
        tables.read_cases_csv(tmp_path / "absent.csv")
