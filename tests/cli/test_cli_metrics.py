"""`univox metrics` tells of every metric, and `univox evaluate` judges by those that are named."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.errors import MetricError
from univox.metrics.catalog import ALL_METRICS, GROUPS

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0
    return done.output


def test_every_metric_is_listed_with_its_unit() -> None:
    lines = run("metrics").splitlines()
    for metric in ALL_METRICS:
        (line,) = [line for line in lines if line.split()[:1] == [metric.name]]
        assert metric.unit in line or metric.unit == "size"
    assert {metric.group for metric in ALL_METRICS} <= set(lines)
    assert max(map(len, lines)) <= 120


def test_one_metric_is_explained_wholly_by_any_of_its_names() -> None:
    words = " ".join(run("metrics", "nsd").split())
    (metric,) = [metric for metric in ALL_METRICS if metric.name == "surface_dice"]
    for text in (metric.what, metric.use, metric.avoid, metric.empty, metric.source, metric.range):
        assert " ".join(text.split()) in words
    assert json.loads(run("metrics", "NSD", "--json"))["name"] == "surface_dice"
    assert run("metrics", "surface-dice") == run("metrics", "NSD")
    with pytest.raises(MetricError, match="'luck'"):
        run("metrics", "luck")


def test_a_group_and_json_hold_every_field() -> None:
    facts = json.loads(run("metrics", "--json"))
    assert [fact["name"] for fact in facts] == [metric.name for metric in ALL_METRICS]
    assert {fact["group"] for fact in json.loads(run("metrics", "lesions", "--json"))} == {"lesions"}
    assert set(facts[0]) == set(ALL_METRICS[0].__dataclass_fields__) - {"value"}


def test_the_page_of_metrics_is_what_the_verb_writes() -> None:
    assert PAGE.read_text() == run("metrics", "--markdown"), "univox metrics --markdown > docs/metrics.md"


def test_torch_is_not_imported_for_it() -> None:
    code = "import sys; sys.argv = ['univox', 'metrics', 'dice']\nfrom univox.cli.main import app\n"
    code += (
        "try: app()\nexcept SystemExit: pass\nprint([m for m in ('torch', 'monai', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "dice: Dice"
    assert done.stdout.splitlines()[-1] == "[]"


def test_evaluate_names_every_group_in_its_help() -> None:
    words = " ".join(run("evaluate", "--help").replace("│", " ").split())
    for group in GROUPS:
        assert f"{group}," in words


def test_evaluate_judges_by_what_is_named(tiny_dataset: Path, tmp_path: Path) -> None:
    chosen = ("--metrics", "all", "--interior", "ball", "--tolerance-mm", 1, "--empty", "one")
    labels = tiny_dataset / "labelsTr"
    output = run("evaluate", labels, tiny_dataset, "-o", tmp_path / "all", "--jobs", 1, *chosen)
    assert "mhd_3d" in output
    assert "lesion_f1" in output
    assert "tolerance of 1 mm" in output
    (row,) = [line for line in output.splitlines() if "rand_error" in line]
    assert "(case)" in row
    assert "0.000" in row
    read = json.loads((tmp_path / "all" / "metrics.json").read_text())
    assert read["measures"] == {"metrics": ["all"], "tolerance_mm": 1.0, "empty": "one", "interior": ["ball"]}
    rows = list(csv.DictReader((tmp_path / "all" / "segments.csv").read_text().splitlines()))
    assert {float(row["pixel_error"]) for row in rows} == {0.0}
    plain = run("evaluate", labels, tiny_dataset, "-o", tmp_path / "plain", "--jobs", 1)
    assert "hd95_mm" in plain
    assert "mhd_3d" not in plain
    with pytest.raises(MetricError, match=r"groups of metrics .*got 'luck'"):
        run("evaluate", labels, tiny_dataset, "-o", tmp_path / "none", "--metrics", "dice,luck")
    with pytest.raises(MetricError, match="0 mm or more"):
        run("evaluate", labels, tiny_dataset, "-o", tmp_path / "none", "--tolerance-mm", -1)
    assert not (tmp_path / "none").exists()
