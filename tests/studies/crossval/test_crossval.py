"""Cross-validation: each case judged by the model that never saw it, once, and not again."""

from __future__ import annotations

import csv
import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
import torch

import univox
from univox.data.protocol import parse_protocol
from univox.data.source import DatasetSource
from univox.errors import CheckpointError
from univox.image import read_image
from univox.judging.tables import read_cases_csv
from univox.model.folder import read_model
from univox.studies.arms import Arm
from univox.studies.crossval.results import crossval_markdown, rows_of, write_crossval
from univox.studies.crossval.run import CrossValidation, crossval
from univox.training.request import TrainRequest

ARM = Arm(
    name="tiny",
    set=(
        "patches.patch_size=[8, 8, 8]",
        "patches.batch_size=2",
        "patches.levels=2",
        "training.validations=2",
        "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4}",
    ),
)


@pytest.fixture(scope="module")
def asked(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainRequest:
    root = tmp_path_factory.mktemp("crossval")
    return TrainRequest(
        datasets=(DatasetSource(path=tiny_dataset, subjects=r"ball_0[0-4]|ball"),),
        output=root / "study",
        cache=root / "cache",
        iterations=3,
        validation=0.0,
        jobs=1,
        workers=0,
    )


@pytest.fixture(scope="module")
def finished(asked: TrainRequest, without_reports: None) -> CrossValidation:
    return crossval(asked, [ARM], parse_protocol("grouped:3"))


def test_every_case_is_judged_by_the_fold_that_kept_it_out(asked: TrainRequest, finished: CrossValidation) -> None:
    folder = asked.output / "arms" / "tiny"
    seen: list[str] = []
    for number, split in enumerate(finished.splits):
        run = json.loads((folder / f"folds/{number}/model/run/domains/Ball/split.json").read_text())
        assert sorted(run["test"]) == sorted(split.test)
        assert not {*run["train"]} & {*split.test}
        seen += split.test
    assert sorted(seen) == sorted(path.name.removesuffix(".nii.gz") for path in (folder / "out-of-fold").glob("*.gz"))
    assert {result.name for result in finished.arms[0].judged.results} == set(seen)
    # Cases 5, 6 and 7 are of one subject: on one side of every fold.
    assert all(len({"ball_05", "ball_06", "ball_07"} & {*split.test}) in (0, 3) for split in finished.splits)


def test_the_folds_predict_new_cases_as_one(asked: TrainRequest, finished: CrossValidation) -> None:
    image = read_image([asked.dataset.open().labelled[0].images[0]])
    folder = asked.output / "arms" / "tiny"
    alone = [
        univox.load(folder / f"folds/{number}/model").predict(image, probabilities=True).probabilities
        for number in range(len(finished.splits))
    ]
    together = univox.load(folder).predict(image, probabilities=True).probabilities
    np.testing.assert_allclose(together, np.mean(alone, axis=0), atol=1e-3)


def test_the_table_is_over_subjects(asked: TrainRequest, finished: CrossValidation) -> None:
    page = write_crossval(finished, asked.output, command="univox study crossval").read_text()
    scores = dict(read_cases_csv(asked.output / "arms/tiny/evaluation/cases.csv"))
    dice = {name: score.values["dice"] for name, score in scores.items()}
    together = statistics.fmean(dice[name] for name in ("ball_05", "ball_06", "ball_07"))
    subjects = [*(dice[f"ball_0{index}"] for index in range(5)), together]
    row = rows_of(finished)[0]
    assert (row.metric.name, row.mean.counted) == ("dice", 6)
    assert math.isclose(row.mean.mean, statistics.fmean(subjects))
    assert math.isclose(row.mean.sd, statistics.stdev(subjects))
    assert f"{row.mean.mean:.4f} ± {row.mean.sd:.4f}" in crossval_markdown(finished)
    assert "http" not in page.replace("http://www.w3.org/", "")
    lines = list(csv.DictReader((asked.output / "folds.csv").read_text().splitlines()))
    assert len(lines) == 8
    assert all(float(line["seconds"]) > 0 for line in lines)


def test_what_is_done_is_not_done_again(
    asked: TrainRequest, finished: CrossValidation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("univox.training.run.train", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr("univox.studies.crossval.fold.predict_all", lambda *_, **__: pytest.fail("predicted again"))
    # The same folds, by name or from the file that the study left, are the same study.
    for protocol in ("grouped:3", str(asked.output / "splits_final.json")):
        again = crossval(asked, [ARM], parse_protocol(protocol))
        assert again.arms[0].folds == finished.arms[0].folds
    with pytest.raises(CheckpointError, match="another dataset, split"):
        crossval(asked, [ARM], parse_protocol("grouped:2"))


def test_folds_at_once_are_the_folds_one_by_one(asked: TrainRequest, finished: CrossValidation, tmp_path: Path) -> None:
    other = asked.model_copy(update={"output": tmp_path / "other"})
    both = crossval(other, [ARM], parse_protocol("grouped:3"), at_once=2)
    [one], [another] = finished.arms, both.arms
    assert [fold.number for fold in another.folds] == [0, 1, 2]
    assert [fold.iterations for fold in another.folds] == [fold.iterations for fold in one.folds]
    for name in (result.name for result in one.judged.results):
        mine, theirs = (
            next(result.mean_dice for result in judged.results if result.name == name)
            for judged in (one.judged, another.judged)
        )
        # Another number of threads may end in other last digits.
        assert math.isclose(mine, theirs, abs_tol=0.02)
    for number in range(3):
        mine, theirs = (
            read_model(request.output / f"arms/tiny/folds/{number}/model").shared_tensors()
            for request in (asked, other)
        )
        assert all(torch.allclose(value, mine[name], atol=1e-3) for name, value in theirs.items())
