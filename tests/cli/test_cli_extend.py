"""`univox extend` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from univox.cli.dataset_options import dataset_sources
from univox.cli.main import app
from univox.errors import RecipeError

RUNNER = CliRunner()
TINY = [
    *("--set", "patches.patch_size=[8, 8, 8]", "--set", "patches.batch_size=2", "--set", "patches.levels=2"),
    *("--set", "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], convolution: separable}"),
]


def run(*words: object) -> str:
    result = RUNNER.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_domain_is_added_used_and_told_of(tiny_dataset: Path, dark_dataset: Path, tmp_path: Path) -> None:
    model, cache = tmp_path / "model", tmp_path / "cache"
    run("train", dark_dataset, "-o", model, "--iterations", 3, "--cache", cache, "--jobs", 1, *TINY)
    told = run(
        *("extend", model, tiny_dataset, "--iterations", 3, "--cache", cache, "--jobs", 1, "--holdout", 0.25),
        *("--name", "light"),
    )
    assert "parameters added" in told
    assert f"--domain light -o PREDICTIONS\n      univox evaluate PREDICTIONS {tiny_dataset}" in told
    run("predict", model, tiny_dataset, "--cases", "test", "--domain", "light", "-o", tmp_path / "out")
    judged = run("evaluate", tmp_path / "out", tiny_dataset, "-o", tmp_path / "judged", "--jobs", 1)
    assert "over 2 cases" in judged
    assert "extend on Ball" in run("info", model)
    report = (tmp_path / "judged" / "report.html").read_text(encoding="utf-8")
    assert "Validation Dice" in report


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--mode", "finetune-all"], "--allow-forgetting -o NEW_MODEL --old DATASET"),
        (["--old", "x"], "with --mode finetune-all alone"),
        (["--budget", "5m", "--iterations", "3"], "either --budget or --iterations"),
    ],
)
def test_contradictions_are_one_sentence(flags: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=words):
        RUNNER.invoke(app, ["extend", str(tmp_path), str(tmp_path), *flags], catch_exceptions=False)


def test_a_value_is_for_one_dataset_or_for_all(tmp_path: Path) -> None:
    first, second = tmp_path / "liver", tmp_path / "brain"
    sources = dataset_sources([first, second], labels=["brain: masks"], subjects=["a|b"], classes=["organ=1:2"])
    assert [source.labels for source in sources] == [None, "masks"]
    assert [source.subjects for source in sources] == ["a|b", "a|b"]
    # A colon that is no dataset's is the value's own.
    assert [source.classes for source in sources] == ["organ=1:2", "organ=1:2"]
    with pytest.raises(RecipeError, match="FOLDER: VALUE"):
        dataset_sources([first, second], labels=["masks", "brain: others"])
