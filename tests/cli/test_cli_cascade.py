"""A cascade on the command line: trained, shown, predicted and judged as one model."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.errors import CheckpointError, RecipeError

SMALL = ("patches.patch_size=[8, 8, 8]", "patches.batch_size=2", "patches.levels=2", "training.validations=1")


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_a_cascade_is_one_model_to_its_user(tiny_dataset: Path, tmp_path: Path) -> None:
    model, predictions = tmp_path / "model", tmp_path / "predictions"
    settings = [part for value in SMALL for part in ("--set", value, "--region-set", value)]
    options = ["--iterations", 2, "--holdout", 0.25, "--device", "cpu", "-j", 1, "--cache", tmp_path / "cache"]
    said = run("cascade", tiny_dataset, *settings, *options, "--margin-mm", 3, "-o", model)
    assert "--cases test -o PREDICTIONS" in said
    shown = run("info", model)
    assert "cascade of 2 models" in shown
    assert "pieces from 10% of the largest on, closed by 0 mm, filled, margin 3 mm" in shown
    assert "2 written" in run("predict", model, tiny_dataset, "--cases", "test", "-o", predictions)
    run("evaluate", predictions, tiny_dataset, "-j", 1)
    report = (tmp_path / "predictions-evaluation" / "report.html").read_text()
    assert "cascade, stages/inside: residual-unet by univox" in report
    with pytest.raises(CheckpointError, match="one that holds a cascade"):
        run("cascade", tiny_dataset, *settings, *options, "-o", model)
    assert f"model {model}" in run("cascade", "--resume", "-o", model).replace("\n", "")
    with pytest.raises(RecipeError, match="--all-domains of a model that knows several datasets"):
        run("predict", model, tiny_dataset, "--all-domains", "-o", tmp_path / "all")
