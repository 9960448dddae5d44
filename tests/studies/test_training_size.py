from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError, RecipeError
from univox.judging.statistics import summarize
from univox.model.folder import read_model
from univox.studies.power_law import PowerLaw, doubling_gain
from univox.studies.training_size import SizePoint, SizeRun, TrainingSize, training_size
from univox.studies.training_size_results import said, write_training_size
from univox.training.observer import Observer
from univox.training.request import TrainRequest

pytestmark = pytest.mark.usefixtures("without_reports")

SMALL = (
    "patches.patch_size=[8, 8, 8]",
    "patches.batch_size=2",
    "patches.levels=2",
    "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4}",
)


@pytest.fixture
def request_of(tiny_dataset: Path, tmp_path: Path) -> TrainRequest:
    return TrainRequest(
        datasets=(DatasetSource(path=tiny_dataset),),
        output=tmp_path / "study",
        cache=tmp_path / "cache",
        overrides=SMALL,
        iterations=2,
        holdout=0.25,
        validation=0.0,
        jobs=1,
        workers=0,
    )


def split_of(request: TrainRequest, cases: int, repeat: int = 0) -> dict[str, list[str]]:
    return read_model(request.output / "runs" / f"{cases:04d}-cases-{repeat}" / "model").domain().split


class Listener(Observer):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def stage(self, text: str) -> None:
        self.heard.append(text)


def test_each_set_holds_the_smaller_ones_and_all_are_judged_on_the_same_cases(request_of: TrainRequest) -> None:
    listener = Listener()
    study = training_size(request_of, cases=[4, 2], observer=listener)
    small, large = split_of(request_of, 2), split_of(request_of, 4)
    assert set(small["train"]) < set(large["train"])
    assert (len(small["train"]), len(large["train"])) == (2, 4)
    assert small["test"] == large["test"] == list(study.test_cases)
    assert not {*large["train"], *large["validation"]} & set(large["test"])
    assert [point.cases for point in study.points] == [2, 4]
    for point in study.points:
        assert set(point.runs[0].dice) == set(study.test_cases)
        assert point.dice.mean == pytest.approx(sum(point.runs[0].dice.values()) / 2)
    gain = study.points[1].gain
    assert gain.difference == pytest.approx(study.points[1].dice.mean - study.points[0].dice.mean)
    assert study.law is None
    # The first run has taught how long the second takes.
    [second] = [text for text in listener.heard if text.startswith("4 cases, repeat 1 of 1")]
    assert "min of training from here, at the pace so far" in second
    # Done is done; a repeat and a size come to it.
    card = request_of.output / "runs/0002-cases-0/model/model.json"
    written = card.stat().st_mtime_ns
    more = training_size(request_of, cases=[2], repeats=2)
    assert card.stat().st_mtime_ns == written
    assert more.points[0].runs[0] == study.points[0].runs[0]
    assert more.points[0].runs[1].seed == 1
    assert split_of(request_of, 2, 1)["test"] == list(study.test_cases)
    means = [sum(run.dice[name] for run in more.points[0].runs) / 2 for name in study.test_cases]
    assert more.points[0].dice.mean == pytest.approx(sum(means) / 2)
    page = write_training_size(study, request_of.output, command="univox study training-size DATASET").read_text()
    assert "needs at least 4 sizes; here are 2" in page
    rows = list(csv.DictReader((request_of.output / "sizes.csv").read_text().splitlines()))
    assert [float(row["dice"]) for row in rows] == pytest.approx([point.dice.mean for point in study.points])
    with pytest.raises(CheckpointError, match="another dataset, split, budget or seed"):
        training_size(request_of.model_copy(update={"seed": 5}), cases=[2])


def test_refusals(request_of: TrainRequest) -> None:
    with pytest.raises(RecipeError, match="either --cases or --shares"):
        training_size(request_of, cases=[2], shares=[0.5])
    with pytest.raises(RecipeError, match="shares above 0"):
        training_size(request_of, shares=[0.0])
    with pytest.raises(DatasetError, match="sizes from 1 to 6"):
        training_size(request_of, cases=[2, 7])
    with pytest.raises(DatasetError, match="held-out cases"):
        training_size(request_of.model_copy(update={"holdout": 0.0}), cases=[2])


@pytest.mark.parametrize(("shares", "expected"), [((0.5, 1.0), [3, 6]), ((), [4, 6])])
def test_sizes_by_share_and_by_default(
    shares: Sequence[float], expected: list[int], request_of: TrainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def note(request: TrainRequest, *_: object) -> SizeRun:
        count = len(request.dataset.training_cases)
        return SizeRun(count, count, 0, 0, 1, 1.0, dict.fromkeys(request.dataset.test_cases, 0.5), {"ball": 0.5})

    monkeypatch.setattr("univox.studies.training_size._run", note)
    study = training_size(request_of, shares=shares)
    assert [point.cases for point in study.points] == expected


def test_what_is_said_of_doubling(tmp_path: Path) -> None:
    law = PowerLaw(0.1, 0.8, 1.0, 0.001)
    points = tuple(
        SizePoint(
            n, (SizeRun(n, n, 0, 0, 9, 1.0, {"a": 1 - law.error(n)}, {}),), summarize([1 - law.error(n)]), (0.5,), None
        )
        for n in (2, 4, 8, 16)
    )
    study = TrainingSize("Toy", "univox", ("a",), points, law, (0.02, 0.03))
    text = said(study)[-1]
    assert "32 cases would bring 0.0250 more Dice than 16 (0.0200 to 0.0300 over test cases)" in text
    assert "This is a guess" in text
    write_training_size(study, tmp_path, command="univox study training-size DATASET")
    kept = json.loads((tmp_path / "training-size.json").read_text())["doubling"]
    assert kept == {"cases": 32, "gain": pytest.approx(doubling_gain(law, 16)), "interval": [0.02, 0.03]}
