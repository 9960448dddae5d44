from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.errors import RecipeError


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_steps_are_measured_and_shown(write_model_of: Callable[..., Path], tiny_dataset: Path, tmp_path: Path) -> None:
    model = write_model_of({"Ball": {"codes": (0, 1), "channel_names": ("MRI",)}})
    chosen = ["--cases", "ball_00", "--device", "cpu", "-o", tmp_path / "study"]
    status, output = run("study", "step-size", model, tiny_dataset, "--step", 4, "--step", 8, *chosen)
    assert status == 0
    # 16 x 14 x 12 voxels in windows of 8.
    assert "ball_00 (16 x 14 x 12) by step 8: 8 windows" in output
    assert "| 4 | 18 | 0." in output
    written = {path.name for path in (tmp_path / "study").iterdir()}
    assert written >= {"steps.csv", "steps.json", "steps.md", "steps.svg", "report.html"}
    with pytest.raises(RecipeError, match="steps of 1 to 8 voxels"):
        run("study", "step-size", model, tiny_dataset, "--step", 9, *chosen)


def test_patches_are_refused_before_anything_is_trained(tiny_dataset: Path, tmp_path: Path) -> None:
    arguments = ["study", "patch-size", tiny_dataset, "--patch", 8, "--patch", 18, "-o", tmp_path / "study", "-j", 1]
    with pytest.raises(RecipeError, match="got 18; remedy: in place of 18 --patch 16 or --patch 20"):
        run(*arguments, "--iterations", 1)
    with pytest.raises(RecipeError, match="either --budget or --iterations, got both"):
        run(*arguments, "--iterations", 1, "--budget", "1m")
    assert not (tmp_path / "study").exists()
