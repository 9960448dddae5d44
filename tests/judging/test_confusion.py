"""Voxels by class in label and prediction: hand-worked, and the same counts that Dice is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_dataset import CLASSES, SHAPE, label_codes, tiny_dataset, write_nifti

from univox.judging.confusion import Mistake, confusion_of
from univox.judging.evaluate import Evaluation, evaluate
from univox.judging.tables import metrics_json

NAMES = ("background", "front", "back")


def test_counts_of_shifted_boxes_are_those_worked_out_by_hand(mixed_evaluation: Evaluation) -> None:
    # Each box has 16 voxels. "shifted" moves 4 of front's out and 4 in; "missed" loses all 16.
    confusion = confusion_of(mixed_evaluation.results, NAMES)
    background = 3 * (int(np.prod(SHAPE)) - 32)
    assert confusion.voxels.tolist() == [[background - 4, 4, 0], [4 + 16, 48 - 20, 0], [0, 0, 48]]
    assert confusion.shares[1].tolist() == [20 / 48, 28 / 48, 0.0]
    told = metrics_json(mixed_evaluation)
    assert told["confusion"] == {"classes": list(NAMES), "voxels": confusion.voxels.tolist()}
    assert told["calibration"] is None
    assert confusion.mistakes() == [
        Mistake("front", "background", 20, 20 / 48),
        Mistake("background", "front", 4, 4 / background),
    ]


def test_it_agrees_with_dice_case_by_case(mixed_evaluation: Evaluation) -> None:
    for result in mixed_evaluation.results:
        voxels = confusion_of([result], NAMES).voxels
        assert voxels.sum() == np.prod(SHAPE)
        for index, score in enumerate(result.scores, start=1):
            both = voxels[index].sum() + voxels[:, index].sum()
            assert score["dice"] == 2 * voxels[index, index] / both
            assert score["volume_label"] == pytest.approx(voxels[index].sum() * 0.006)
            assert score["volume_prediction"] == pytest.approx(voxels[:, index].sum() * 0.006)


def test_a_class_that_no_label_has_is_no_share(mixed_evaluation: Evaluation) -> None:
    nothing = confusion_of([], CLASSES.names)
    assert nothing.voxels.sum() == 0
    assert np.isnan(nothing.shares).all()
    assert nothing.mistakes() == []
    with pytest.raises(ValueError, match="reshape"):
        confusion_of(mixed_evaluation.results, NAMES[:2])


def test_it_comes_with_the_judgement_in_other_processes_too(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path / "data", "a", "b")
    for name in "ab":
        write_nifti(tmp_path / "p" / f"{name}.nii.gz", label_codes(shift=1))
    serial, parallel = (evaluate(tmp_path / "p", dataset, jobs=jobs) for jobs in (1, 2))
    assert [result.confusion for result in serial.results] == [result.confusion for result in parallel.results]
    assert serial.results == parallel.results
