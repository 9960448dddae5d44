from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from univox.data.source import DatasetSource
from univox.errors import DatasetError, RecipeError
from univox.inference.predictor import Predictor
from univox.training.log import read_log
from univox.training.request import TrainRequest
from univox.training.run import train


def test_a_run_learns_the_ball(tiny_request: Callable[..., TrainRequest]) -> None:
    trained = train(tiny_request(iterations=120))
    assert trained.validation_dice is not None
    assert trained.validation_dice > 0.7
    log = read_log(trained.model / "run" / "log.jsonl")
    assert [e["iteration"] for e in log if e["event"] == "iteration"] == list(range(1, 121))
    assert len([e for e in log if e["event"] == "validation"]) == 3


def test_the_model_says_who_was_kept_out(tiny_request: Callable[..., TrainRequest]) -> None:
    trained = train(tiny_request(iterations=1, holdout=0.25))
    split = Predictor(trained.model).domain.split
    assert {name: len(cases) for name, cases in split.items()} == {"train": 5, "validation": 1, "test": 2}
    assert len({name for cases in split.values() for name in cases}) == 8


def test_test_cases_by_name_are_kept_out(tiny_request: Callable[..., TrainRequest], tiny_dataset: Path) -> None:
    source = DatasetSource(path=tiny_dataset, test_cases=("ball_03",))
    trained = train(tiny_request(iterations=1, datasets=(source,), validation=0.0))
    assert trained.splits["Ball"].test == ("ball_03",)
    assert "ball_03" not in trained.splits["Ball"].train
    assert trained.validation_dice is None


def test_a_bad_case_stops_the_run_with_the_words_of_check(
    tiny_dataset: Path, tiny_request: Callable[..., TrainRequest], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_dataset, broken)
    (broken / "labelsTr" / "ball_05.nii.gz").unlink()
    with pytest.raises(DatasetError, match=r"ball_05.*--skip-bad-cases") as caught:
        train(tiny_request().model_copy(update={"datasets": (DatasetSource(path=broken),)}))
    assert not (tmp_path / "model" / "run" / "checkpoint.safetensors").exists()
    from univox.data.check import bad_cases, check_dataset
    from univox.data.layouts import open_dataset

    for findings in bad_cases(check_dataset(open_dataset(broken))).values():
        assert all(finding.cause in str(caught.value) for finding in findings)
    skipped = tiny_request(iterations=1, skip_bad_cases=True).model_copy(
        update={"datasets": (DatasetSource(path=broken),)}
    )
    trained = train(skipped)
    assert "ball_05" not in {*trained.splits["Ball"].train, *trained.splits["Ball"].validation}


def test_a_budget_fixes_the_iterations_before_the_first(tiny_request: Callable[..., TrainRequest]) -> None:
    request = tiny_request(iterations=None, budget_seconds=8.0)
    trained = train(request)
    assert trained.iterations > 3
    assert trained.seconds < 16
    assert json.loads((trained.model / "run" / "request.json").read_text())["budget_seconds"] == 8.0


def test_a_loss_that_is_not_finite_names_the_remedy(tiny_request: Callable[..., TrainRequest]) -> None:
    request = tiny_request(iterations=60)
    wild = request.model_copy(
        update={"overrides": (*request.overrides, "optimizer.lr=1e30", "optimizer.gradient_clip=null")}
    )
    with pytest.raises(RecipeError, match="lower the learning rate"):
        train(wild)


def test_an_unknown_network_is_named(tiny_request: Callable[..., TrainRequest]) -> None:
    with pytest.raises(RecipeError, match="no-such"):
        train(tiny_request().model_copy(update={"overrides": ("network.name=no-such",)}))


def test_a_batch_that_cannot_be_normalized_is_one_sentence(tiny_request: Callable[..., TrainRequest]) -> None:
    strides = "network.arguments={strides: [[2, 2, 2], [2, 2, 2], [2, 2, 2]], widths: [8, 8, 8], detail_channels: 4}"
    overrides = ("patches.patch_size=[8, 8, 8]", "patches.batch_size=1", strides)
    with pytest.raises(RecipeError, match=r"raise patches\.batch_size"):
        train(tiny_request(overrides=overrides))
