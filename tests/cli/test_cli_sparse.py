"""Sparse annotation from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from univox.cli.main import app
from univox.errors import DatasetError, RecipeError


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_sparse_copy_is_checked_like_any_dataset(tiny_dataset: Path, tmp_path: Path) -> None:
    told = run("sparsify", tiny_dataset, "-o", tmp_path / "sparse", "--keep-slices", "50%", "--axes", "1")
    assert "ball_00: " in told
    assert "of its voxels keep their labels" in told
    assert json.loads((tmp_path / "sparse" / "dataset.json").read_text())["labels"]["2"] == "ignore"
    assert "labelled by nobody" in run("check", tmp_path / "sparse")
    with pytest.raises(DatasetError, match="'8' or '10%'"):
        run("sparsify", tiny_dataset, "-o", tmp_path / "more", "--keep-slices", "some")


def test_a_time_and_a_number_of_iterations_are_one_too_many(tiny_dataset: Path, tmp_path: Path) -> None:
    case = [tiny_dataset / part / "ball_00.nii.gz" for part in ("imagesTr", "labelsTr")]
    both = ("--budget", "1m", "--iterations", 2, "-o", tmp_path / "out.nii.gz")
    with pytest.raises(RecipeError, match="--iterations"):
        run("fill", *case, "--ignore", 1, *both)
    with pytest.raises(RecipeError, match="--iterations"):
        run("study", "sparse", tiny_dataset, "--slices", 1, *both)


def test_every_verb_that_reads_labels_can_be_told_what_nobody_labelled() -> None:
    def flags(command: Any) -> dict[str, set[str]]:
        if hasattr(command, "commands"):
            return {
                f"{name} {inner}".strip(): found
                for name, sub in command.commands.items()
                for inner, found in flags(sub).items()
            }
        return {"": {flag for parameter in command.params for flag in parameter.opts}}

    reading = {verb: found for verb, found in flags(get_command(app)).items() if "--labels-are" in found}
    assert {"train", "evaluate", "study ablation"} <= reading.keys()
    # Slices of a volume that is annotated in part are refused, and so is choosing what becomes of pieces by it.
    assert {verb for verb, found in reading.items() if "--ignore" not in found} == {"slices", "postprocess"}
