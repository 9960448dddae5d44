from __future__ import annotations

import csv
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError, ModelError, RecipeError
from univox.inference.predictor import Predictor
from univox.studies.comparison.comparison import Asked, Comparison, compare
from univox.studies.comparison.comparison_results import better, comparison_markdown, said, write_comparison
from univox.training.observer import Observer

BALL = {"classes": [{"name": "background", "codes": [0]}, {"name": "ball", "codes": [1]}], "instances": False}
NAMES = [f"ball_{index:02d}" for index in range(8)]


def dice_without(label: np.ndarray, missing: int) -> float:
    voxels = int(label.sum())
    return 2 * (voxels - missing) / (2 * voxels - missing)


@pytest.fixture
def predictions(tiny_dataset: Path, tmp_path: Path) -> Callable[..., Path]:
    """Give a folder of predictions that lack so many voxels of each case's ball."""

    def write(name: str, missing: list[int]) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for case, count in zip(NAMES, missing, strict=False):
            label = labels(tiny_dataset)[case].copy()
            places = np.flatnonzero(label)[:count]
            label.reshape(-1)[places] = 0
            nibabel.save(nibabel.Nifti1Image(label, np.eye(4)), folder / f"{case}.nii.gz")
        return folder

    return write


def labels(dataset: Path) -> dict[str, np.ndarray]:
    return {name: np.asarray(nibabel.load(dataset / "labelsTr" / f"{name}.nii.gz").dataobj, np.uint8) for name in NAMES}


@pytest.fixture
def model_of(write_model_of: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Give a model of the balls with random weights and a recorded split."""

    def write(name: str, train: list[str], test: list[str], **changes: Any) -> Path:
        split = {"train": train, "validation": [], "test": test}
        domain = {"classes": BALL, "channel_names": ("MRI",), "provenance": {"split": split}, **changes}
        return Path(shutil.move(write_model_of({"Ball": domain}), tmp_path / name))

    return write


@pytest.fixture
def asked(tiny_dataset: Path, tmp_path: Path) -> Callable[..., Asked]:
    def ask(*models: str, **changes: Any) -> Asked:
        values: dict[str, Any] = {"source": DatasetSource(path=tiny_dataset), "output": tmp_path / "study"}
        return Asked(models=models, **{**values, **changes})

    return ask


def test_differences_worked_by_hand(
    tiny_dataset: Path, predictions: Callable[..., Path], asked: Callable[..., Asked]
) -> None:
    whole, part = predictions("whole", [0] * 8), predictions("part", [6, 12, 18, 24, 30, 36, 42, 0])
    study = compare(asked(str(whole), f"cut={part}"))
    [row] = study.rows
    expected = [dice_without(labels(tiny_dataset)[name], 6 * (index + 1) % 48) for index, name in enumerate(NAMES)]
    assert study.values["dice"]["ball"] == {"whole": (1.0,) * 8, "cut": pytest.approx(expected)}
    assert (row.class_name, row.first, row.second) == ("ball", "whole", "cut")
    assert row.result.difference == pytest.approx(1 - sum(expected) / 8)
    assert (row.result.above, row.result.same, row.result.test.units, row.result.test.effect) == (7, 1, 7, 1.0)
    assert row.result.test.p == row.corrected == 2 / 2**7
    assert better(row) == "whole"
    # By a distance, of two the smaller is the better.
    rows = compare(asked(str(whole), f"cut={part}", metrics=("hd95_mm",))).rows
    assert rows[0].result.difference < 0
    assert better(rows[0]) in ("", "whole")


def test_a_swap_mirrors_every_row(
    predictions: Callable[..., Path], asked: Callable[..., Asked], tmp_path: Path
) -> None:
    folders = [str(predictions(name, missing)) for name, missing in (("a", [9] * 8), ("b", [20, 3] * 4))]
    there, back = (
        compare(asked(*order, output=tmp_path / f"study {index}", metrics=("dice", "recall")))
        for index, order in enumerate((folders, folders[::-1]))
    )
    for one, other in zip(there.rows, back.rows, strict=True):
        assert (one.first, one.class_name, one.metric) == (other.second, other.class_name, other.metric)
        assert (one.result.difference, one.result.low) == (-other.result.difference, -other.result.high)
        assert (one.corrected, one.result.test.effect) == (other.corrected, -other.result.test.effect)
        assert better(one) == better(other)


def test_three_are_compared_in_pairs_with_one_correction(
    predictions: Callable[..., Path], asked: Callable[..., Asked]
) -> None:
    folders = [str(predictions(name, [n + i for i in range(8)])) for name, n in (("a", 0), ("b", 9), ("c", 30))]
    study = compare(asked(*folders))
    assert [(row.first, row.second) for row in study.rows] == list(itertools.combinations("abc", 2))
    assert [row.result.test.p for row in study.rows] == [2 / 2**8] * 3
    assert [row.corrected for row in study.rows] == [3 * 2 / 2**8] * 3


def test_few_cases_are_said_to_be_few(predictions: Callable[..., Path], asked: Callable[..., Asked]) -> None:
    folders = [str(predictions(name, [missing] * 8)) for name, missing in (("a", 0), ("b", 9))]
    study = compare(asked(*folders, cases=tuple(NAMES[:5])))
    assert study.rows[0].result.test.p is None
    assert any("fewer than 6 cannot reach p < 0.05" in sentence for sentence in said(study))
    assert not any("fewer than 6" in sentence for sentence in said(compare(asked(*folders))))


def test_models_predict_the_cases_that_none_has_seen_and_files_say_it(
    model_of: Callable[..., Path], predictions: Callable[..., Path], asked: Callable[..., Asked]
) -> None:
    model = model_of("net", NAMES[:3], NAMES[3:])
    study = compare(asked(str(model), f"hand={predictions('hand', [5] * 8)}"))
    assert [case.name for case in study.cases] == NAMES[3:]
    assert set(study.seconds) == {"net"}
    folder = model.parent / "study"
    page = write_comparison(study, folder, command="univox study compare DATASET").read_text()
    assert "http" not in page.replace("http://www.w3.org/", "")
    rows = list(csv.DictReader((folder / "cases.csv").read_text().splitlines()))
    assert [float(row["hand"]) for row in rows] == list(study.values["dice"]["ball"]["hand"])
    models = {row["model"]: row for row in csv.DictReader((folder / "models.csv").read_text().splitlines())}
    assert float(models["hand"]["mean"]) == pytest.approx(study.rows[0].result.second)
    [difference] = csv.DictReader((folder / "differences.csv").read_text().splitlines())
    assert float(difference["difference"]) == study.rows[0].result.difference
    assert json.loads((folder / "comparison.json").read_text())["differences"][0]["result"]["counted"] == 5
    assert "what hand learned from" in page
    assert "what hand learned from" in comparison_markdown(study)


def test_what_is_done_is_not_done_again(
    model_of: Callable[..., Path],
    predictions: Callable[..., Path],
    asked: Callable[..., Asked],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, hand = model_of("net", NAMES[:3], NAMES[3:]), predictions("hand", [5] * 8)
    question = asked(str(net), str(hand))
    predicted: list[int] = []

    def predict(self: Predictor, image: Any, **rest: Any) -> Any:
        predicted.append(1)
        if len(predicted) == 3:
            raise KeyboardInterrupt
        return original(self, image, **rest)

    original = Predictor.predict
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict", predict)
        with pytest.raises(KeyboardInterrupt):
            compare(question)
        whole = compare(question)
        # Five cases, of which two were done before the third was interrupted.
        assert len(predicted) == 3 + 3
    record = json.loads((question.output / "models/net/predictions/predictions.json").read_text())
    assert sorted(record["cases"]) == NAMES[3:]
    with monkeypatch.context() as patch:
        for name in ("figures.evaluate", "predicting.Predictor"):
            patch.setattr(f"univox.studies.comparison.{name}", lambda *_, **__: pytest.fail("it is done"))
        again = compare(question)
    assert _figures(again) == _figures(whole)
    # A prediction that has changed is judged again, and it alone.
    label = nibabel.load(hand / f"{NAMES[4]}.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.zeros(label.shape, np.uint8), np.eye(4)), hand / f"{NAMES[4]}.nii.gz")
    changed = compare(question).values["dice"]["ball"]["hand"]
    before = whole.values["dice"]["ball"]["hand"]
    assert changed == (before[0], 0.0, *before[2:])


def _figures(study: Comparison) -> Any:
    return study.values, [row.result.difference for row in study.rows], study.seconds


def test_the_time_is_estimated_after_one_case_of_each(
    model_of: Callable[..., Path], asked: Callable[..., Asked]
) -> None:
    heard: list[str] = []

    class Listener(Observer):
        def stage(self, text: str) -> None:
            heard.append(text)

    models = [str(model_of(name, NAMES[:5], NAMES[5:])) for name in ("one", "other")]
    compare(asked(*models), observer=Listener())
    assert heard[0] == "timing one case of each model"
    assert heard[1].startswith("predicting 4 cases more: about ")


def test_refusals(
    model_of: Callable[..., Path], predictions: Callable[..., Path], asked: Callable[..., Asked], tmp_path: Path
) -> None:
    a, b = str(predictions("a", [0] * 8)), str(predictions("b", [3] * 8))
    with pytest.raises(RecipeError, match="at least two models"):
        compare(asked(a))
    with pytest.raises(RecipeError, match="'a' twice"):
        compare(asked(a, f"a={b}"))
    with pytest.raises(RecipeError, match="NAME=FOLDER"):
        compare(asked(a, f"../b={b}"))
    with pytest.raises(ModelError, match="no such folder"):
        compare(asked(a, str(tmp_path / "nowhere")))
    for fact in ("volume_difference", "volume_label", "rand_error"):
        with pytest.raises(RecipeError, match="of which more or less is better"):
            compare(asked(a, b, metrics=(fact,)))
    other = {"classes": [{"name": "background", "codes": [0]}, {"name": "cube", "codes": [1]}], "instances": False}
    with pytest.raises(ModelError, match="a model of the classes background, ball"):
        compare(asked(a, str(model_of("cubes", [], [], classes=other))))
    leaky = [
        str(model_of(name, *sides)) for name, sides in (("x", (NAMES[:4], NAMES[4:])), ("y", (NAMES[4:], NAMES[:4])))
    ]
    with pytest.raises(DatasetError, match="x kept 4 out and learned from 4; y kept 4 out"):
        compare(asked(*leaky))
    (Path(b) / f"{NAMES[2]}.nii.gz").unlink()
    with pytest.raises(DatasetError, match=f"a prediction of {NAMES[2]}"):
        compare(asked(a, b))


def test_another_model_under_an_old_name_is_refused(
    predictions: Callable[..., Path], asked: Callable[..., Asked]
) -> None:
    a, b, c = (str(predictions(name, [missing] * 8)) for name, missing in (("a", 0), ("b", 3), ("c", 9)))
    compare(asked(a, b))
    compare(asked(a, b, c))
    with pytest.raises(CheckpointError, match="another b"):
        compare(asked(a, f"b={c}"))
    with pytest.raises(CheckpointError, match="another dataset"):
        compare(asked(a, b, source=asked().source.model_copy(update={"subjects": "ball_(.*)"})))
