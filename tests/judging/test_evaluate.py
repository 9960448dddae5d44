"""A whole evaluation: known figures, named failures, and nothing lost to them."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as Pillow
from tiny_dataset import SPACING_MM, label_codes, tiny_dataset, write_nifti

from univox.data.case import Case
from univox.data.classes import Classes, LabelClass
from univox.errors import DatasetError, FileError, MetricError
from univox.judging.evaluate import Evaluation, evaluate
from univox.judging.measures import Measures


def test_known_figures_worst_first(mixed_evaluation: Evaluation) -> None:
    assert [result.name for result in mixed_evaluation.results] == ["missed", "shifted", "perfect"]
    missed, shifted, perfect = mixed_evaluation.results
    front, back = shifted.scores
    assert front.class_name == "front"
    five = [front[name] for name in ("dice", "iou", "precision", "recall", "hd95_mm")]
    assert five == [0.75, 0.6, 0.75, 0.75, 1.0]
    assert front["volume_label"] == front["volume_prediction"] == pytest.approx(0.096)
    assert (front["volume_difference"], front["volume_difference_percent"]) == (0.0, 0.0)
    assert (back.class_name, back["dice"], back["hd95_mm"]) == ("back", 1.0, 0.0)
    assert (missed.scores[0]["dice"], missed.scores[0]["hd95_mm"]) == (0.0, math.inf)
    assert missed.scores[0]["volume_difference"] == pytest.approx(-0.096)
    assert [result.mean_dice for result in mixed_evaluation.results] == [0.5, 0.875, 1.0]
    assert perfect.spacing_mm == SPACING_MM


def test_summary_of_known_figures(mixed_evaluation: Evaluation) -> None:
    assert mixed_evaluation.class_names == ("front", "back")
    assert mixed_evaluation.mean_foreground_dice.mean == pytest.approx((0.5 + 0.875 + 1.0) / 3)
    front = mixed_evaluation.summaries["front"]
    assert front["dice"].mean == pytest.approx(1.75 / 3)
    hd95 = front["hd95_mm"]
    assert (hd95.mean, hd95.counted, hd95.left_out, hd95.infinite) == (0.5, 2, 1, 1)
    assert (front["precision"].left_out, front["precision"].infinite) == (1, 0)
    assert list(front) == [metric.name for metric in mixed_evaluation.judged]
    assert mixed_evaluation.values("front", "recall") == [0.0, 0.75, 1.0]
    assert mixed_evaluation.size_unit == "ml"


def test_each_failure_is_named_with_its_file(mixed_evaluation: Evaluation) -> None:
    failures = {failure.case: failure for failure in mixed_evaluation.failures}
    assert sorted(failures) == ["absent", "garbage", "swapped", "undeclared"]
    assert (failures["absent"].kind, failures["absent"].path) == ("missing", None)
    for name in ("garbage", "swapped", "undeclared"):
        assert failures[name].kind == "unusable"
        assert failures[name].path is not None
        assert failures[name].path.name == f"{name}.nii.gz"
        assert failures[name].remedy
    assert "3 x 2 x 1" in failures["swapped"].cause
    assert "11" in failures["undeclared"].cause
    assert [path.name for path in mixed_evaluation.extra] == ["stranger.nii.gz"]


def test_a_prediction_with_swapped_axes_but_the_same_affine(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b")
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes().transpose(0, 2, 1))
    write_nifti(tmp_path / "p" / "b.nii.gz", label_codes())
    evaluation = evaluate(tmp_path / "p", dataset)
    assert [result.mean_dice for result in evaluation.results] == [1.0]
    (failure,) = evaluation.failures
    assert failure.path == tmp_path / "p" / "a.nii.gz"
    assert "6 x 10 x 8" in failure.cause


def test_a_prediction_stored_in_another_orientation_is_the_same(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a")
    stored = np.flip(label_codes(shift=1).T, axis=0).transpose(1, 0, 2)  # axes A, L, S instead of R, A, S
    affine = np.array([[0.0, -1, 0, 9], [2, 0, 0, 0], [0, 0, 3, 0], [0, 0, 0, 1]])
    path = tmp_path / "p" / "a.nii"
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(stored, affine), path)
    evaluation = evaluate(tmp_path / "p", dataset)
    assert evaluation.failures == ()
    assert evaluation.results[0].scores[0]["dice"] == 0.75


def test_processes_give_the_same_and_progress_is_told(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b", "c")
    for shift, name in enumerate("abc"):
        write_nifti(tmp_path / "p" / f"{name}.nii.gz", label_codes(shift=shift))
    told: list[tuple[int, int]] = []
    serial = evaluate(tmp_path / "p", dataset, on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert evaluate(tmp_path / "p", dataset, jobs=2) == serial
    assert [result.name for result in serial.results] == ["c", "b", "a"]


def test_only_the_cases_asked_for(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b", "c")
    paths = [write_nifti(tmp_path / "p" / f"{name}.nii.gz", label_codes()) for name in "ab"]
    evaluation = evaluate(paths, dataset, cases=["b"])
    assert [result.name for result in evaluation.results] == ["b"]
    assert (evaluation.failures, evaluation.extra) == ((), ())
    with pytest.raises(DatasetError, match="names of labelled cases, got z"):
        evaluate(paths, dataset, cases=["a", "z"])


def test_two_predictions_for_one_case_are_reported(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a")
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes())
    write_nifti(tmp_path / "p" / "a.nii", label_codes())
    (failure,) = evaluate(tmp_path / "p", dataset).failures
    assert failure.kind == "ambiguous"
    assert "a.nii.gz" in failure.cause


def test_a_folder_with_nothing_in_common_is_refused(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a")
    write_nifti(tmp_path / "p" / "other.nii.gz", label_codes())
    with pytest.raises(DatasetError, match=r"named like the cases of tiny \(a, ...\), got other.nii.gz"):
        evaluate(tmp_path / "p", dataset)
    with pytest.raises(FileError, match="nothing there"):
        evaluate(tmp_path / "q", dataset)
    unlabelled = dataclasses.replace(dataset, cases=(Case("a", (), None),))
    with pytest.raises(DatasetError, match="cases with labels to judge by"):
        evaluate(tmp_path / "p", unlabelled)


def test_a_truncated_label_costs_only_its_own_case(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b")
    for name in "ab":
        write_nifti(tmp_path / "p" / f"{name}.nii.gz", label_codes())
    broken = dataset.cases[0].label
    assert broken is not None
    broken.write_bytes(broken.read_bytes()[:60])
    evaluation = evaluate(tmp_path / "p", dataset)
    assert [result.name for result in evaluation.results] == ["b"]
    assert [failure.path for failure in evaluation.failures] == [broken]


class BrokenClasses(Classes):
    """Stands for a defect of the program or a library that no error class foresees."""

    def to_index(self, array: np.ndarray) -> np.ndarray:
        if 7 in array:
            raise RuntimeError("out of luck")
        return super().to_index(array)


def test_an_unforeseen_error_is_a_failure_too(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b")
    dataset = dataclasses.replace(dataset, classes=BrokenClasses(dataset.classes.classes))
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes(back=7))
    write_nifti(tmp_path / "p" / "b.nii.gz", label_codes())
    evaluation = evaluate(tmp_path / "p", dataset)
    assert [result.name for result in evaluation.results] == ["b"]
    assert [failure.cause for failure in evaluation.failures] == ["RuntimeError: out of luck"]


def test_pixels_whatever_resolution_their_files_claim(tmp_path: Path) -> None:
    codes = np.zeros((6, 9), np.uint8)
    codes[1:3, 2:6] = 255
    (tmp_path / "p").mkdir()
    Pillow.fromarray(codes).save(tmp_path / "label.png")
    Pillow.fromarray(np.roll(codes, 1, axis=1)).save(tmp_path / "p" / "cell.png", dpi=(300, 72))
    dataset = dataclasses.replace(
        tiny_dataset(tmp_path / "data"),
        cases=(Case("cell", (tmp_path / "label.png",), tmp_path / "label.png"),),
        classes=Classes((LabelClass("membrane", (0,)), LabelClass("cell", (255,)))),
        spatial_dims=2,
    )
    evaluation = evaluate(tmp_path / "p", dataset)
    assert evaluation.failures == ()
    (score,) = evaluation.results[0].scores
    assert (score["dice"], score["hd95_mm"], score["volume_label"]) == (0.75, 1.0, 8.0)
    assert evaluation.size_unit == "mm2"


def test_what_is_asked_for_is_judged_and_nothing_else(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b")
    write_nifti(tmp_path / "p" / "a.nii.gz", label_codes(shift=1))
    write_nifti(tmp_path / "p" / "b.nii.gz", label_codes(front=0, back=0))
    measures = Measures(metrics=("mhd_3d", "rand_error"), interior=("front",))
    found = evaluate(tmp_path / "p", dataset, measures=measures)
    assert list(found.summaries["front"]) == ["dice", "mhd_3d"]
    assert list(found.case_summaries) == ["rand_error"]
    # Moved by one voxel, 12 of the 16 lie in one segment and 4 alone: pairs 256, 144 + 4 and as many in both.
    by_name = {result.name: result.whole["rand_error"] for result in found.results}
    assert by_name == {"a": pytest.approx(1 - 2 * 148 / (256 + 148)), "b": pytest.approx(1 - 2 * 16 / (256 + 16))}
    assert found.case_summaries["rand_error"].counted == 2
    with pytest.raises(MetricError, match=r"judged \(dice, mhd_3d\), got 'iou'"):
        found.values("front", "iou")
    with pytest.raises(MetricError, match=r"classes of the dataset .*got membrane"):
        evaluate(tmp_path / "p", dataset, measures=Measures(interior=("membrane",)))
