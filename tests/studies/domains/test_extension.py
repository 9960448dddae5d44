from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.data.source import DatasetSource
from univox.errors import DatasetError, RecipeError
from univox.judging.evaluate import evaluate
from univox.model.folder import read_model
from univox.studies.arms import Arm
from univox.studies.domains.extension import DEFAULT_RECIPES, Extension, extension
from univox.studies.domains.extension_results import added_parameters, changed_parameters, write_extension
from univox.training.request import TrainRequest
from univox.training.run import train

SMALL = (
    "patches.patch_size=[8, 8, 8]",
    "patches.batch_size=2",
    "patches.levels=2",
    "training.validations=1",
    "optimizer.lr=3e-2",
    "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4, convolution: separable}",
)
TRUNK = Arm(name="trunk", set=SMALL)
NOTHING = Arm(name="nothing", set=(*SMALL, "domains.share=nothing"))


@pytest.fixture(scope="module")
def finished(
    tiny_dataset: Path,
    dark_dataset: Path,
    tmp_path_factory: pytest.TempPathFactory,
    without_reports: None,
) -> tuple[TrainRequest, DatasetSource, Extension]:
    folder = tmp_path_factory.mktemp("extension")
    request = TrainRequest(
        datasets=(DatasetSource(path=dark_dataset),),
        output=folder / "study",
        cache=folder / "cache",
        iterations=12,
        holdout=0.25,
        validation=0.25,
        jobs=1,
        workers=0,
    )
    new = DatasetSource(path=tiny_dataset)
    return request, new, extension(request, new, [TRUNK, NOTHING])


Finished = tuple[TrainRequest, DatasetSource, Extension]


def test_what_is_extended_forgets_nothing_and_what_is_trained_on_changes(finished: Finished) -> None:
    request, _, study = finished
    assert (study.base, study.new) == (("Dark",), "Ball")
    extended, finetuned = study.older
    assert (extended.mode, finetuned.mode) == ("extend", "finetune-all")
    assert extended.is_the_same
    assert extended.before == extended.after
    assert not finetuned.is_the_same
    assert finetuned.weights_before != finetuned.weights_after
    assert finetuned.before == extended.before
    arm = request.output / "arms/trunk"
    for file in ("shared.safetensors", "domains/Dark/weights.safetensors"):
        assert (arm / "base/model" / file).read_bytes() == (arm / "extend/model" / file).read_bytes()
    assert list(read_model(arm / "base/model").domains) == ["Dark"]


def test_the_new_domain_is_judged_in_every_way_of_training_it(finished: Finished) -> None:
    request, new, study = finished
    assert [(result.arm, result.mode) for result in study.results] == [
        ("trunk", "extend"),
        ("trunk", "finetune-all"),
        ("trunk", "scratch"),
        ("nothing", "scratch"),
    ]
    assert {(result.domain, result.iterations, result.run_iterations) for result in study.results} == {("Ball", 12, 12)}
    for result in study.results:
        folder = request.output / "arms" / result.arm / result.mode / "domains/Ball/predictions"
        asked = json.loads((folder / "predictions.json").read_text())["cases"]
        judged = evaluate(folder, new.open(), cases=asked)
        assert result.held_out_dice == judged.mean_foreground_dice.mean
    splits = {
        json.dumps(read_model(request.output / "arms" / r.arm / r.mode / "model").domain("Ball").split)
        for r in study.results
    }
    assert len(splits) == 1


def test_parameters_are_those_of_the_models(finished: Finished) -> None:
    request, _, study = finished
    extend, finetune, scratch, nothing = study.results
    model = read_model(request.output / "arms/trunk/extend/model")
    assert added_parameters(extend) == model.manifest.domains["Ball"].parameters
    assert added_parameters(extend) < added_parameters(scratch) == added_parameters(nothing)
    assert [changed_parameters(r) for r in study.results] == [0, finetune.shared_parameters, 0, 0]
    assert added_parameters(scratch) == read_model(request.output / "arms/trunk/scratch/model").num_parameters()


def test_from_scratch_is_what_univox_train_makes(finished: Finished, tmp_path: Path) -> None:
    request, new, _ = finished
    train(request.model_copy(update={"datasets": (new,), "output": tmp_path / "m", "overrides": NOTHING.set}))
    for arm in ("trunk", "nothing"):
        for file in ("shared.safetensors", "domains/Ball/weights.safetensors"):
            theirs = request.output / "arms" / arm / "scratch/model" / file
            assert theirs.read_bytes() == (tmp_path / "m" / file).read_bytes()


def test_what_is_done_is_not_done_again(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    request, new, study = finished
    runs = "univox.studies.domains.extension_runs"
    for place in ("univox.training.run.train", f"{runs}.extend", f"{runs}.finetune_all"):
        monkeypatch.setattr(place, lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(
        "univox.studies.domains.domain_result.predict_and_judge", lambda *_, **__: pytest.fail("judged again")
    )
    again = extension(request, new, [TRUNK, NOTHING])
    assert (again.results, again.older) == (study.results, study.older)


def test_an_interrupted_study_ends_as_an_undisturbed_one(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, new, study = finished
    cut = request.model_copy(update={"output": tmp_path / "cut"})

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    for place in ("univox.training.extend.add_domain", "univox.training.finetune.write_model"):
        with monkeypatch.context() as patch:
            patch.setattr(place, die)
            with pytest.raises(Killed):
                extension(cut, new, [TRUNK])
    resumed = extension(cut, new, [TRUNK])
    assert resumed.older == study.older
    assert [r.__dict__ | {"seconds": 0} for r in resumed.results] == [
        r.__dict__ | {"seconds": 0} for r in study.results[:3]
    ]


def test_the_files_tell_what_was_measured(finished: Finished) -> None:
    request, _, study = finished
    page = write_extension(study, request.output, command="univox study extension A --new B").read_text()
    assert "http" not in page.replace("http://www.w3.org/", "")
    assert page.count("<svg") == 3
    assert "the same, byte for byte" in page
    rows = list(csv.DictReader((request.output / "forgetting.csv").read_text().splitlines()))
    assert [(float(row["after"]), row["same"]) for row in rows] == [(e.after, str(e.is_the_same)) for e in study.older]
    written = json.loads((request.output / "results.json").read_text())
    assert [r["added_parameters"] for r in written["results"]] == [added_parameters(r) for r in study.results]
    for plot in ("dice.svg", "curves.svg", "forgetting.svg"):
        assert ElementTree.fromstring((request.output / plot).read_text()).tag.endswith("svg")


def test_what_cannot_be_asked_is_said_before_any_training(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, new, _ = finished
    monkeypatch.setattr("univox.training.run.train", lambda *_, **__: pytest.fail("refused before any training"))
    other = request.model_copy(update={"output": tmp_path / "other"})
    with pytest.raises(DatasetError, match=r"--holdout 0\.2"):
        extension(other.model_copy(update={"holdout": 0.0}), new, [TRUNK])
    with pytest.raises(DatasetError, match="one in Ball"):
        extension(other, new.model_copy(update={"subjects": "ball"}), [TRUNK])
    with pytest.raises(DatasetError, match="twice"):
        extension(other, request.datasets[0], [TRUNK])
    with pytest.raises(RecipeError, match="begin at random"):
        extension(other, new, [TRUNK.model_copy(update={"init_from": tmp_path})])
    assert not other.output.exists()


def test_the_command_compares_the_small_modes_by_default(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, new, study = finished
    asked: list[object] = []

    def note(request: TrainRequest, new: DatasetSource, arms: list[Arm], **_: object) -> Extension:
        asked.extend([request.iterations, new.path, new.labels, [arm.recipe for arm in arms]])
        return study

    monkeypatch.setattr("univox.studies.domains.extension.extension", note)
    arguments = ["study", "extension", str(request.datasets[0].path), "--new", str(new.path), "-o", str(tmp_path / "s")]
    done = CliRunner().invoke(app, [*arguments, "--iterations", "7", "--labels", f"{new.path.name}: masks"])
    assert done.exit_code == 0, done.output
    assert asked == [7, new.path, "masks", list(DEFAULT_RECIPES)]
    assert "finetune-all" in done.output
