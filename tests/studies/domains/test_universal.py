from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from univox.cli.main import app
from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError, RecipeError
from univox.judging.evaluate import evaluate
from univox.model.folder import read_model
from univox.studies.arms import Arm
from univox.studies.domains.domain_curves import read_domain_curve
from univox.studies.domains.universal import Universal, universal
from univox.studies.domains.universal_results import mean_dice, parameters_in_all, write_universal
from univox.training.request import TrainRequest
from univox.training.run import train

SMALL = (
    "patches.patch_size=[8, 8, 8]",
    "patches.batch_size=2",
    "patches.levels=2",
    "training.validations=2",
    "network.arguments={strides: [[2, 2, 2], [2, 2, 2]], widths: [8, 8], detail_channels: 4, convolution: separable}",
)
TRUNK = Arm(name="trunk", set=SMALL)
NOTHING = Arm(name="nothing", set=(*SMALL, "domains.share=nothing"))


def request_in(output: Path, *datasets: Path, **changes: object) -> TrainRequest:
    return TrainRequest(
        datasets=tuple(DatasetSource(path=path) for path in datasets),
        output=output,
        **{"iterations": 3, "holdout": 0.25, "validation": 0.25, "jobs": 1, "workers": 0, **changes},
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(
    tiny_dataset: Path,
    dark_dataset: Path,
    cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
    without_reports: None,
) -> tuple[TrainRequest, Universal]:
    request = request_in(tmp_path_factory.mktemp("study") / "study", tiny_dataset, dark_dataset, cache=cache)
    return request, universal(request, [TRUNK, NOTHING], beside_independent=True)


def test_one_network_has_as_many_own_iterations_of_each_dataset_as_that_datasets_own(
    finished: tuple[TrainRequest, Universal],
) -> None:
    _, study = finished
    rows = study.rows()
    assert [(row[0].arm, row[0].mode) for row in rows] == [("trunk", "joint"), ("trunk", "alone"), ("nothing", "alone")]
    assert study.domains == ("Ball", "Dark")
    assert {result.iterations for result in study.results} == {3}
    assert {result.run_iterations for result in rows[0]} == {6}
    assert {result.run_iterations for row in rows[1:] for result in row} == {3}
    joint, alone, _ = map(parameters_in_all, rows)
    assert alone - joint == rows[0][0].shared_parameters > 0


def test_figures_are_those_of_evaluate_on_the_predictions(finished: tuple[TrainRequest, Universal]) -> None:
    request, study = finished
    for index, name in enumerate(study.domains):
        folder = request.output / "arms/trunk/joint/domains" / name / "predictions"
        judged = evaluate(
            folder,
            request.datasets[index].open(),
            cases=json.loads((folder / "predictions.json").read_text())["cases"],
        )
        result = study.rows()[0][index]
        assert result.held_out_cases == len(judged.results) > 0
        assert result.held_out_dice == judged.mean_foreground_dice.mean
        assert result.dice == {name: by["dice"].mean for name, by in judged.summaries.items()}
    # One held-out case says nothing of its spread.
    assert study.rows()[0][1].held_out_cases == 1
    assert study.rows()[0][1].held_out_low is None
    assert study.rows()[0][0].held_out_low <= study.rows()[0][0].held_out_dice


def test_a_dataset_by_itself_is_what_univox_train_makes_of_it(
    finished: tuple[TrainRequest, Universal], tmp_path: Path
) -> None:
    request, _ = finished
    for source, name in zip(request.datasets, ("Ball", "Dark"), strict=True):
        own = request.model_copy(
            update={"datasets": (source,), "output": tmp_path / name, "recipe": "univox", "overrides": NOTHING.set}
        )
        train(own)
        for arm in ("trunk", "nothing"):
            model = request.output / "arms" / arm / "alone" / name / "model"
            for file in ("shared.safetensors", f"domains/{name}/weights.safetensors"):
                assert (model / file).read_bytes() == (tmp_path / name / file).read_bytes()


def test_all_sides_hold_out_the_same_cases(finished: tuple[TrainRequest, Universal]) -> None:
    request, study = finished
    arms = request.output / "arms"
    for name in study.domains:
        splits = [
            read_model(model).domain(name).split
            for model in (arms / "trunk/joint/model", arms / "trunk/alone" / name / "model")
        ]
        assert splits[0] == splits[1]
        assert splits[0]["test"]


def test_what_is_done_is_not_done_again(
    finished: tuple[TrainRequest, Universal], monkeypatch: pytest.MonkeyPatch
) -> None:
    request, study = finished
    monkeypatch.setattr("univox.training.run.train", lambda *_, **__: pytest.fail("trained again"))
    monkeypatch.setattr(
        "univox.studies.domains.domain_result.predict_and_judge", lambda *_, **__: pytest.fail("judged again")
    )
    assert universal(request, [TRUNK, NOTHING], beside_independent=True).results == study.results
    # Independent networks may be left out, or asked for later.
    assert universal(request, [TRUNK]).results == study.results[:2]
    for other in (request.model_copy(update={"seed": 1}), request.model_copy(update={"iterations": 4})):
        with pytest.raises(CheckpointError, match="another dataset, split, budget or seed"):
            universal(other, [TRUNK])
    with pytest.raises(CheckpointError, match="another arm trunk"):
        universal(request, [Arm(name="trunk")])


def test_an_interrupted_study_ends_as_an_undisturbed_one(
    finished: tuple[TrainRequest, Universal], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, study = finished
    cut = request.model_copy(update={"output": tmp_path / "cut"})

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Killed

    for place in ("univox.training.run.leave_model", "univox.studies.domains.domain_result.predict_and_judge"):
        with monkeypatch.context() as patch:
            patch.setattr(place, die)
            with pytest.raises(Killed):
                universal(cut, [TRUNK])
    resumed = universal(cut, [TRUNK]).results
    same = [result.__dict__ | {"seconds": 0} for result in study.results[:2]]
    assert [result.__dict__ | {"seconds": 0} for result in resumed] == same


def test_the_files_tell_what_was_measured(finished: tuple[TrainRequest, Universal]) -> None:
    request, study = finished
    page = write_universal(study, request.output, command="univox study universal A B").read_text()
    assert "http" not in page.replace("http://www.w3.org/", "")
    assert page.count("<svg") == 2
    rows = list(csv.DictReader((request.output / "results.csv").read_text().splitlines()))
    assert [float(row["held_out_dice"]) for row in rows] == [result.held_out_dice for result in study.results]
    written = json.loads((request.output / "results.json").read_text())
    assert [row["mean_dice"] for row in written["rows"]] == [mean_dice(row, "test") for row in study.rows()]
    table = (request.output / "results.md").read_text()
    for label in ("trunk, one for all", "trunk, one for each", "| nothing |"):
        assert label in table
        assert label.strip("| ") in page
    for plot in ("dice.svg", "curves.svg"):
        root = ElementTree.fromstring((request.output / plot).read_text())
        assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_curves_run_over_a_domains_own_iterations(finished: tuple[TrainRequest, Universal]) -> None:
    request, study = finished
    assert len(study.curves) == len(study.results)
    for curve in study.curves[::2]:
        assert curve.iterations[-1] == 3
        assert len(curve.dice) == len(curve.iterations) == 2
    # Four cases are too few to validate on one.
    assert {curve.iterations for curve in study.curves[1::2]} == {()}
    log = request.output / "arms/trunk/joint/model/run/log.jsonl"
    assert read_domain_curve(log, "Ball", arm="trunk", mode="joint") == study.curves[0]


def test_nothing_is_read_of_the_held_out_cases_where_validation_judges(
    finished: tuple[TrainRequest, Universal], tmp_path: Path
) -> None:
    request, study = finished
    other = request.model_copy(update={"output": tmp_path / "other"})
    judged = universal(other, [TRUNK], judged_on="validation")
    assert [r.validation_dice for r in judged.results] == [r.validation_dice for r in study.results[:2]]
    assert {(r.held_out_cases, r.held_out_dice) for r in judged.results} == {(0, None)}
    assert not list(other.output.rglob("predictions"))
    assert "weights that they chose" in write_universal(judged, other.output, command="c").read_text()


def test_what_cannot_be_asked_is_said_before_any_training(
    tiny_dataset: Path, dark_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("univox.training.run.train", lambda *_, **__: pytest.fail("refused before any training"))
    request = request_in(tmp_path / "study", tiny_dataset, dark_dataset)
    with pytest.raises(DatasetError, match="--judge-on validation"):
        universal(request.model_copy(update={"holdout": 0.0}), [TRUNK])
    one_subject = (request.datasets[0], DatasetSource(path=dark_dataset, subjects="dark"))
    with pytest.raises(DatasetError, match="one in Dark; remedy: name its test cases"):
        universal(request.model_copy(update={"datasets": one_subject}), [TRUNK])
    with pytest.raises(DatasetError, match="twice"):
        universal(request.model_copy(update={"datasets": request.datasets[:1] * 2}), [TRUNK])
    with pytest.raises(RecipeError, match=r"domains\.share=nothing"):
        universal(request, [TRUNK.model_copy(update={"init_from": tmp_path})])
    assert not (tmp_path / "study" / "study.json").exists()
    # Whoever names the test cases may part what is of one subject.
    named = (request.datasets[0], one_subject[1].model_copy(update={"test_cases": ("dark_0",)}))
    with pytest.raises(pytest.fail.Exception, match="refused before any training"):
        universal(request.model_copy(update={"datasets": named}), [TRUNK])


def test_a_budget_is_for_each_dataset(
    tiny_dataset: Path, dark_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float | None, int | None]] = []
    told: list[str] = []

    class Told(BaseException):
        pass

    def note(request: TrainRequest, _: object) -> None:
        asked.append((len(request.datasets), request.budget_seconds, request.iterations))
        if len(asked) == 3:
            raise Told

    monkeypatch.setattr("univox.studies.domains.universal.finish_run", note)
    monkeypatch.setattr("univox.studies.domains.universal.domain_result", lambda *_, **__: None)

    from univox.training.observer import Observer

    class Listener(Observer):
        def stage(self, text: str) -> None:
            told.append(text)

    request = request_in(tmp_path / "s", tiny_dataset, dark_dataset, budget_seconds=60.0, iterations=None)
    with pytest.raises(Told):
        universal(request, [TRUNK], beside_independent=True, observer=Listener())
    assert asked == [(2, 120.0, None), (1, 60.0, None), (1, 60.0, None)]
    assert told[0] == "run 1 of 3: trunk, Ball and Dark together (at most 4 min of training from here)"


def test_the_command(finished: tuple[TrainRequest, Universal], tmp_path: Path) -> None:
    request, _ = finished
    sets = [argument for value in SMALL for argument in ("--set", value)]
    paths = [str(source.path) for source in request.datasets]
    arguments = ["study", "universal", *paths, "-o", str(tmp_path / "s"), "--recipe", "univox", *sets]
    more = ["--iterations", "1", "--judge-on", "validation", "--jobs", "1", "--cache", str(request.cache)]
    subjects = f"{request.datasets[1].path.name}: _(.*)"
    done = CliRunner().invoke(app, [*arguments, *more, "--subjects", subjects, "--beside-independent"])
    assert done.exit_code == 0, done.output
    assert "univox, one for each" in done.output
    assert (tmp_path / "s" / "report.html").exists()
