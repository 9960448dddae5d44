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
        np.testing.assert_equal(dataclasses.asdict(read), dataclasses.asdict(score))


def test_headings_name_the_units(mixed_evaluation: Evaluation) -> None:
    header = tables.cases_csv(mixed_evaluation).splitlines()[0].split(",")
    assert header[:7] == ["case", "class", "dice", "iou", "precision", "recall", "hd95_mm"]
    assert header[7:10] == ["volume_label_ml", "volume_prediction_ml", "volume_difference_ml"]
    assert header[10:] == ["volume_difference_percent"]


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
    assert len(lines) == 1 + 2 * 7
    hd95 = next(line for line in lines if (line["class"], line["metric"]) == ("front", "hd95_mm"))
    assert (hd95["mean"], hd95["counted"], hd95["left_out"]) == ("0.5", "2", "1")
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
        "interval": [None, None],
    }


@pytest.mark.parametrize("text", ["case,class\na,b,0.5\n", "case,class,dice\na,b,zero\n"])
def test_another_table_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text)
    with pytest.raises(FileError, match="written by `univox evaluate`"):
        tables.read_cases_csv(path)
    with pytest.raises(FileError, match=r"absent.csv"):
        tables.read_cases_csv(tmp_path / "absent.csv")
