from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch

from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError, RecipeError
from univox.model.folder import read_model
from univox.studies.ablation import ablation
from univox.studies.ablation_results import ranked, write_ablation
from univox.studies.arms import Arm, arms_of_recipes, read_arms
from univox.training.request import TrainRequest

SMALL = (
    "patches.patch_size=[8, 8, 8]",
    "patches.batch_size=2",
    "patches.levels=2",
    "training.validations=2",
)
NETWORK = "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4, convolution: %s}"


def arm(name: str) -> Arm:
    return Arm(name=name, set=(*SMALL, NETWORK % name))


@pytest.fixture
def request_of(tiny_dataset: Path, tmp_path: Path) -> TrainRequest:
    return TrainRequest(
        datasets=(DatasetSource(path=tiny_dataset),),
        output=tmp_path / "study",
        cache=tmp_path / "cache",
        iterations=4,
        holdout=0.25,
        validation=0.25,
        jobs=1,
        workers=0,
    )


def test_every_arm_has_the_same_cases_and_its_own_row(request_of: TrainRequest) -> None:
    study = ablation(request_of, [arm("standard"), arm("separable")])
    splits = [
        json.loads((request_of.output / "arms" / name / "model/run/domains/Ball/split.json").read_text())
        for name in ("standard", "separable")
    ]
    assert splits[0] == splits[1]
    standard, separable = study.results
    assert separable.parameters < standard.parameters
    assert all(
        0 <= result.held_out_low <= result.held_out_dice <= result.held_out_high <= 1 for result in study.results
    )
    best, worst = ranked(study)
    assert best.held_out_dice >= worst.held_out_dice
    page = write_ablation(study, request_of.output, command="univox study ablation DATASET").read_text()
    assert page.index(best.name) < page.index(worst.name)
    assert "http" not in page.replace("http://www.w3.org/", "")
    rows = list(csv.DictReader((request_of.output / "arms.csv").read_text().splitlines()))
    assert [float(row["held_out_dice"]) for row in rows] == [result.held_out_dice for result in study.results]


def test_an_arm_that_is_done_is_not_done_again(request_of: TrainRequest) -> None:
    first = ablation(request_of, [arm("standard")], judged_on="validation")
    card = request_of.output / "arms/standard/model/model.json"
    written = card.stat().st_mtime_ns
    both = ablation(request_of, [arm("standard"), arm("separable")], judged_on="validation")
    assert card.stat().st_mtime_ns == written
    assert both.results[0] == first.results[0]
    assert both.results[0].held_out_dice is None
    assert not (request_of.output / "arms/standard/predictions").exists()


def test_an_interrupted_arm_goes_on(request_of: TrainRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = ablation(request_of, [arm("standard")], judged_on="validation").results[0]

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    other = request_of.model_copy(update={"output": tmp_path / "other"})
    with monkeypatch.context() as patch:
        patch.setattr("univox.training.run.leave_model", die)
        with pytest.raises(Killed):
            ablation(other, [arm("standard")], judged_on="validation")
    resumed = ablation(other, [arm("standard")], judged_on="validation").results[0]
    assert (resumed.validation_dice, resumed.dice) == (whole.validation_dice, whole.dice)


def test_a_start_from_another_model_is_an_arm_beside_a_random_one(request_of: TrainRequest) -> None:
    ablation(request_of, [arm("standard")], judged_on="validation")
    donor = request_of.output / "arms/standard/model"
    # With a rate of nothing every kernel is still the donor's at the end.
    taught = Arm(name="taught", set=(*arm("standard").set, "optimizer.lr=1e-30"), init_from=donor)
    study = ablation(request_of, [arm("standard"), taught], judged_on="validation")
    kernels, taken = (
        {name: p for name, p in read_model(model).build().named_parameters() if p.ndim > 1}
        for model in (request_of.output / "arms/taught/model", donor)
    )
    assert all(torch.allclose(kernels[name], taken[name], rtol=0, atol=1e-20) for name in taken)
    assert set(study.curves) == {"standard", "taught"}


def test_another_study_in_the_folder_is_refused(request_of: TrainRequest) -> None:
    ablation(request_of, [arm("standard")], judged_on="validation")
    with pytest.raises(CheckpointError, match="another dataset, split, budget or seed"):
        ablation(request_of.model_copy(update={"seed": 1}), [arm("standard")], judged_on="validation")
    with pytest.raises(CheckpointError, match="another arm standard"):
        ablation(request_of, [Arm(name="standard")], judged_on="validation")


def test_a_study_of_an_older_program_goes_on(request_of: TrainRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    before = ablation(request_of, [arm("standard")], judged_on="validation")
    path = request_of.output / "study.json"
    kept = json.loads(path.read_text())
    del kept["request"]["datasets"][0]["validation_cases"], kept["request"]["freeze"]
    path.write_text(json.dumps(kept))
    monkeypatch.setattr("univox.training.run.train", lambda *_, **__: pytest.fail("trained again"))
    assert ablation(request_of, [arm("standard")], judged_on="validation").results == before.results
    path.write_text(json.dumps({**kept, "request": {"datasets": []}}))
    with pytest.raises(CheckpointError, match="another dataset"):
        ablation(request_of, [arm("standard")], judged_on="validation")


def test_an_arm_left_out_once_is_not_forgotten(request_of: TrainRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    # Else its result would later pass for that of an arm with other settings.
    ablation(request_of, [arm("standard")], judged_on="validation")
    with monkeypatch.context() as patch:
        patch.setattr("univox.training.run.train", lambda *_, **__: pytest.fail("refused before any training"))
        with pytest.raises(pytest.fail.Exception):
            ablation(request_of, [arm("separable")], judged_on="validation")
        with pytest.raises(CheckpointError, match="another arm standard"):
            ablation(request_of, [Arm(name="standard")], judged_on="validation")


def test_judging_on_cases_that_are_not_there_is_refused_at_once(request_of: TrainRequest) -> None:
    with pytest.raises(DatasetError, match=r"--holdout 0\.2, or --judge-on validation"):
        ablation(request_of.model_copy(update={"holdout": 0.0}), [arm("standard")])


def test_arms_come_from_a_file_or_from_names(tmp_path: Path) -> None:
    path = tmp_path / "arms.yaml"
    path.write_text("a: {recipe: univox}\nb: {set: [optimizer.lr=1e-3], init_from: donor, freeze: encoder}\n")
    first, second = read_arms(path)
    assert (first.name, first.recipe) == ("a", "univox")
    assert (second.set, second.init_from, second.freeze) == (("optimizer.lr=1e-3",), Path("donor"), "encoder")
    with pytest.raises(RecipeError, match="univox twice"):
        arms_of_recipes(["univox", "univox"])
    for broken in ("a: {receipt: univox}", "- a", "../a: {recipe: univox}", "{}"):
        path.write_text(broken)
        with pytest.raises(RecipeError):
            read_arms(path)


def test_the_arms_of_the_documented_study_are_recipes() -> None:
    from univox.recipes.catalog import load_recipe

    folder = Path(__file__).parents[2] / "docs" / "studies"
    for file in sorted(folder.glob("*.yaml")):
        for documented in read_arms(file):
            load_recipe(documented.recipe, documented.set)
