"""A part of each volume kept out, from the command line: divided, trained, predicted, judged."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from univox.cli.dataset_options import dataset_sources
from univox.cli.main import app
from univox.errors import RecipeError
from univox.model.folder import read_model

TINY = [
    *("--set", "patches.patch_size=[8, 8, 8]", "--set", "patches.batch_size=2", "--set", "patches.levels=2"),
    *("--set", "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], convolution: separable}"),
]


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_kept_out_of_each_volume_is_predicted_and_judged(
    dark_dataset: Path, tiny_dataset: Path, tmp_path: Path
) -> None:
    told = run("divide", dark_dataset, "-o", tmp_path / "halves", "--share", 0.5, "--axis", 2)
    # The cube lies at stored x of 9 to 13, and the cut is at 7.
    assert "only dark_0_kept_out holds cube: dark_0 cannot teach it" in told
    kept = [f"dark_{index}_kept_out" for index in range(4)]
    assert f"train {tmp_path / 'halves'} -o MODEL --test-cases {','.join(kept)}" in told
    model, cache = tmp_path / "model", ["--cache", tmp_path / "cache", "--jobs", 1]
    named = ["--test-cases", f"halves: {','.join(kept)}", "--test-cases", f"{tiny_dataset.name}: ball_03"]
    run("train", tiny_dataset, tmp_path / "halves", "-o", model, "--iterations", 2, *named, *cache, *TINY)
    split = read_model(model).domain("Dark").split
    assert split["test"] == kept
    assert sorted((*split["train"], *split["validation"])) == [f"dark_{index}" for index in range(4)]
    assert read_model(model).domain("Ball").split["test"] == ["ball_03"]
    run("extend", model, tmp_path / "halves", "--name", "more", "--like", "Ball", "--iterations", 2, *cache, *named[:2])
    assert read_model(model).domain("more").split["test"] == kept
    run("predict", model, tmp_path / "halves", "--cases", "test", "--domain", "more", "-o", tmp_path / "out")
    assert "over 4 cases" in run("evaluate", tmp_path / "out", tmp_path / "halves", "--jobs", 1)


@pytest.mark.parametrize("words", [["train", "x", "-o", "y"], ["extend", "x", "y"]])
def test_names_and_a_share_contradict_each_other(words: list[str]) -> None:
    with pytest.raises(RecipeError, match="either --test-cases or --holdout, got both"):
        run(*words, "--test-cases", "a", "--holdout", 0.2)


def test_names_of_test_cases_add_up() -> None:
    first, second = Path("liver"), Path("brain")
    sources = dataset_sources([first, second], test_cases=["brain: a, b", "c,", "brain:b"])
    assert [source.test_cases for source in sources] == [("c",), ("a", "b", "c")]
    assert [source.test_cases for source in dataset_sources([first])] == [()]
