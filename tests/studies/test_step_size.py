from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest

from univox import metrics
from univox.data.dataset import read_case_label
from univox.data.preprocess import prepare_image
from univox.data.source import DatasetSource
from univox.errors import CheckpointError, DatasetError, GeometryError, RecipeError
from univox.image import read_image
from univox.inference.inputs import Input
from univox.inference.predict_files import predict_files
from univox.inference.predictor import Prediction, Predictor
from univox.judging.evaluate import evaluate, read_prediction
from univox.studies.step_rows import Measured, StepSizeStudy
from univox.studies.step_size import StepSizeRequest, step_size
from univox.studies.step_size_results import steps_csv, write_step_size
from univox.training.observer import Observer

TEST = ["ball_01", "ball_04"]


class Heard(Observer):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def model(write_model_of: Callable[..., Path]) -> Path:
    ball = {"codes": (0, 1), "channel_names": ("MRI",), "provenance": {"split": {"train": [], "test": TEST}}}
    return write_model_of({"Ball": ball})


@pytest.fixture
def asked(model: Path, tiny_dataset: Path, tmp_path: Path) -> StepSizeRequest:
    return StepSizeRequest(model, DatasetSource(path=tiny_dataset), tmp_path / "study", steps=(3, 8), device="cpu")


def test_the_figures_are_those_of_predicting_with_that_step_and_evaluating(
    asked: StepSizeRequest, tmp_path: Path
) -> None:
    study = step_size(asked)
    dataset = asked.source.open()
    for row in study.rows:
        predictor = Predictor(asked.model, device="cpu", settings={"step": row.step})
        folder = tmp_path / f"by {row.step}"
        predict_files(predictor, [Input(case.name, case.images) for case in map(dataset.case, TEST)], folder)
        judged = evaluate(folder, dataset, cases=TEST)
        assert row.dice == judged.mean_foreground_dice
        assert row.dice_by_class == {name: judged.summaries[name]["dice"] for name in ("ball",)}
        for each in (each for each in study.measured if each.step == row.step):
            label = read_case_label(dataset, dataset.case(each.case))
            prediction = read_prediction(dataset, folder / f"{each.case}.nii.gz", label)
            assert each.mhd_3d == {"ball": metrics.mhd_3d(label.array == 1, prediction.array == 1)}
    assert study.rows[0].dice != study.rows[1].dice


def test_windows_are_counted_on_the_prepared_grid(asked: StepSizeRequest) -> None:
    # 16 x 14 x 12 voxels, windows of 8: by 3 voxels 4 x 3 x 3 places, by 8 voxels 2 x 2 x 2.
    study = step_size(asked)
    assert {(each.case, each.step, each.windows) for each in study.measured} == {
        (case, step, count) for case in TEST for step, count in ((3, 36), (8, 8))
    }
    assert [row.windows for row in study.rows] == [72, 16]


def test_a_real_volume_has_the_published_numbers_of_windows(
    shared_data: Callable[[str], Path], write_model_of: Callable[..., Path], tmp_path: Path
) -> None:
    volume = shared_data("brain_tumour_flair_t1c") / "imagesTr" / "brats_2013_pat0003_1.nii.gz"
    box = nibabel.load(volume).slicer[1:149, 45:161, 40:140]  # pyright: ignore[reportAttributeAccessIssue]
    nibabel.save(box, tmp_path / "box.nii.gz")
    image = read_image(tmp_path / "box.nii.gz")
    preprocessing = {
        "crop": "none",
        "spacing_mm": [1.0, 1.0, 1.0],
        "clip": "none",
        "normalization": {"scope": "case", "over": "image"},
    }
    channels = ("FLAIR", "T1c")
    brain = {"channel_names": channels, "plan": {"patch_size": (32, 32, 32)}, "preprocessing": preprocessing}
    model = write_model_of({"brain": brain})
    counts: list[int] = []
    for step in (4, 8, 16, 32):
        predictor = Predictor(model, device="cpu", settings={"step": step})
        _, geometry = prepare_image(image, predictor.preprocessing)
        assert geometry.prepared_shape == (100, 116, 148)
        counts.append(predictor.number_of_windows(geometry.prepared_shape))
    # The paper prints 387 for the third; its other three numbers leave only 378.
    assert counts == [11_880, 1_920, 378, 80]


def test_only_what_is_missing_is_measured_again(asked: StepSizeRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = step_size(asked)
    (asked.output / "cases/ball_04/step-3.json").unlink()
    predicted: list[int] = []
    genuine = Predictor.predict_prepared

    def noted(self: Predictor, prepared: np.ndarray, *args: object, **how: object) -> Prediction:
        if prepared.any():
            predicted.append(self.settings.step)  # pyright: ignore[reportArgumentType]
        return genuine(self, prepared, *args, **how)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Predictor, "predict_prepared", noted)
    again = step_size(asked)
    assert predicted == [3]

    def timeless(study: StepSizeStudy) -> list[Measured]:
        untimed = [dataclasses.replace(each, seconds=0.0, processor_seconds=None) for each in study.measured]
        return sorted(untimed, key=lambda each: (each.case, each.step))

    assert timeless(again) == timeless(whole)
    step_size(asked)
    assert predicted == [3]


def test_a_case_is_prepared_once_for_all_its_steps(asked: StepSizeRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    from univox.studies import step_size as module

    prepared: list[object] = []
    genuine = module.prepare_image
    monkeypatch.setattr(module, "prepare_image", lambda *given: prepared.append(given) or genuine(*given))
    step_size(dataclasses.replace(asked, steps=(2, 4, 8)))
    assert len(prepared) == len(TEST)


def test_it_says_beforehand_how_long_the_rest_will_take(asked: StepSizeRequest) -> None:
    heard = Heard()
    step_size(asked, observer=heard)
    first, second, *_, last = heard.lines
    assert first == "ball_01 (16 x 14 x 12) by step 8: 8 windows, whose pace tells the time of the rest"
    assert second.startswith("ball_01 (16 x 14 x 12) by step 3: 36 windows, about ")
    assert second.endswith(" to the end if the other case is like this one")
    assert last.endswith(" to the end")


def test_unless_told_the_steps_are_the_window_halved_thrice_as_published(asked: StepSizeRequest) -> None:
    study = step_size(dataclasses.replace(asked, steps=(), cases="ball_02"))
    assert [row.step for row in study.rows] == [1, 2, 4, 8]


@pytest.mark.parametrize("steps", [(9,), (4, 100), (0,)])
def test_a_step_beyond_the_window_is_refused(asked: StepSizeRequest, steps: tuple[int, ...]) -> None:
    with pytest.raises(RecipeError, match=rf"steps of 1 to 8 voxels for windows of 8 x 8 x 8, got {steps[-1]};"):
        step_size(dataclasses.replace(asked, steps=steps))
    assert not asked.output.exists()


def test_classes_that_the_model_does_not_mean_are_refused(
    asked: StepSizeRequest, write_model_of: Callable[..., Path]
) -> None:
    other = write_model_of({"Ball": {"codes": (0, 1, 2), "channel_names": ("MRI",)}})
    with pytest.raises(DatasetError, match="model's classes class 0, class 1, class 2, got background, ball"):
        step_size(dataclasses.replace(asked, model=other, cases="all"))


def test_another_study_in_the_folder_is_refused_by_what_differs(asked: StepSizeRequest, tmp_path: Path) -> None:
    step_size(asked)
    moved = tmp_path / "moved"
    shutil.copytree(asked.source.path, moved)
    with pytest.raises(CheckpointError, match="got another dataset;"):
        step_size(dataclasses.replace(asked, source=DatasetSource(path=moved)))
    facts = json.loads((asked.output / "study.json").read_text())
    (asked.output / "study.json").write_text(json.dumps({**facts, "number of threads": 99}))
    with pytest.raises(CheckpointError, match="got another number of threads;"):
        step_size(asked)


def test_a_broken_measurement_is_named(asked: StepSizeRequest) -> None:
    step_size(asked)
    broken = asked.output / "cases/ball_01/step-8.json"
    broken.write_text('{"case": "ball_01"}')
    with pytest.raises(CheckpointError, match="delete the file, and it is measured again") as caught:
        step_size(asked)
    assert caught.value.path == broken


def test_a_label_elsewhere_is_refused(asked: StepSizeRequest, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(asked.source.path, moved)
    label = moved / "labelsTr/ball_01.nii.gz"
    array = np.asarray(nibabel.load(label).dataobj)  # pyright: ignore[reportAttributeAccessIssue]
    nibabel.save(nibabel.Nifti1Image(array[:-1], np.eye(4)), label)
    with pytest.raises(GeometryError, match="label of ball_01 on the grid of its image"):
        step_size(dataclasses.replace(asked, source=DatasetSource(path=moved)))


def measured(case: str, step: int, ball: float | None, cube: float | None) -> Measured:
    dice, mhd = {"ball": ball, "cube": cube}, {"ball": None if ball is None else 1 - ball, "cube": cube}
    return Measured(case, step, (8, 8, 8), 10 // step, 4.0 / step, 2.0, dice, mhd)


def test_rows_leave_out_classes_that_a_case_does_not_have(tmp_path: Path) -> None:
    study = StepSizeStudy(
        dataset="made",
        window=(8, 8, 8),
        conditions={"device": "cpu"},
        measured=(
            measured("a", 2, 0.5, None),
            measured("b", 2, 0.7, 0.9),
            measured("c", 2, None, None),
            measured("a", 1, 0.6, 0.2),
            measured("b", 1, 0.8, 0.4),
            measured("c", 1, 0.5, 0.5),
        ),
    )
    fine, coarse = study.rows
    assert (fine.step, fine.windows, coarse.windows) == (1, 30, 15)
    assert fine.dice.mean == pytest.approx((0.4 + 0.6 + 0.5) / 3)
    assert (coarse.dice.counted, coarse.dice.left_out) == (2, 1)
    assert coarse.dice.mean == pytest.approx((0.5 + 0.8) / 2)
    assert coarse.dice_by_class["cube"].mean == pytest.approx(0.9)
    assert coarse.mhd_3d.mean == pytest.approx((0.5 + (0.3 + 0.9) / 2) / 2)
    assert coarse.seconds_per_window == pytest.approx(6 / 15)
    assert (coarse.seconds.mean, coarse.processor_seconds.mean) == (2.0, 2.0)
    [first, _] = csv.DictReader(steps_csv(study).splitlines())
    assert float(first["dice_low"]) <= float(first["dice"]) <= float(first["dice_high"])
    page = write_step_size(study, tmp_path, command="univox study step-size <MODEL>").read_text()
    assert "&lt;MODEL&gt;" in page
    assert "http" not in page.replace("http://www.w3.org/", "")
    rows = json.loads((tmp_path / "steps.json").read_text())["steps"]
    assert rows[1]["dice_by_class"]["cube"]["sd"] is None
    assert (tmp_path / "steps.md").read_text().startswith("| step | windows | Dice |")
