"""Voxels that nobody labelled move no figure of a judgement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_dataset import CLASSES, label_codes, tiny_dataset, write_nifti

from univox import metrics
from univox.data.classes import NOT_ANNOTATED
from univox.errors import ShapeError
from univox.judging.annotated import annotated_voxels
from univox.judging.evaluate import evaluate
from univox.judging.measures import Measures
from univox.judging.scores import evaluate_arrays, evaluate_segments

NAMES = ("rest", "wall", "core")


def maps(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = rng.choice(np.array([0, 1, 2, NOT_ANNOTATED], np.uint8), (4, 5, 6))
    return label, rng.choice(np.array([0, 1, 2], np.uint8), label.shape)


@given(st.integers(0, 2**32 - 1))
def test_no_figure_hears_of_what_is_predicted_there(seed: int) -> None:
    label, prediction = maps(seed)
    other = np.where(label == NOT_ANNOTATED, 2 - prediction, prediction).astype(np.uint8)
    spacing = (1.0, 1.0, 2.0)
    first, second = (evaluate_arrays(label, p, class_names=NAMES, spacing_mm=spacing) for p in (prediction, other))
    for score, same in zip(first, second, strict=True):
        np.testing.assert_array_equal(list(score.values.values()), list(same.values.values()))
    whole = [evaluate_segments(label, p, interior=(1,)) for p in (prediction, other)]
    assert whole[0].keys() == whole[1].keys()
    np.testing.assert_array_equal(list(whole[0].values()), list(whole[1].values()))


@given(st.integers(0, 2**32 - 1))
def test_counts_are_those_of_the_annotated_voxels(seed: int) -> None:
    label, prediction = maps(seed)
    matrix = metrics.confusion_matrix(*annotated_voxels(label, prediction), 3)
    for row in range(3):
        for column in range(3):
            assert matrix[row, column] == ((label == row) & (prediction == column)).sum()


def test_a_judgement_of_files_hears_of_nothing_else(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path, "one")
    sparse = label_codes()
    sparse[3:] = 99
    assert dataset.cases[0].label is not None
    write_nifti(dataset.cases[0].label, sparse)
    dataset = replace(dataset, classes=CLASSES.ignoring("99"))
    found = []
    for folder, back in (("first", 10), ("second", 250)):
        prediction = label_codes(shift=1)
        prediction[3:] = np.where(np.random.default_rng(back).random(prediction[3:].shape) < 0.5, back, 0)
        write_nifti(tmp_path / folder / "one.nii.gz", prediction)
        found.append(evaluate(tmp_path / folder, dataset, measures=Measures(metrics=("all",))).results[0])
    assert found[0].confusion == found[1].confusion
    assert sum(map(sum, found[0].confusion)) == (sparse != 99).sum()
    for first, second in zip(found[0].scores, found[1].scores, strict=True):
        np.testing.assert_array_equal(list(first.values.values()), list(second.values.values()))
    np.testing.assert_array_equal(list(found[0].whole.values()), list(found[1].whole.values()))
    assert found[0].whole["pixel_error"] > 0


def test_a_prediction_never_says_that_nobody_labelled(tmp_path: Path) -> None:
    dataset = tiny_dataset(tmp_path, "one")
    dataset = replace(dataset, classes=CLASSES.ignoring("99"))
    write_nifti(tmp_path / "predictions" / "one.nii.gz", label_codes(front=99))
    [failure] = evaluate(tmp_path / "predictions", dataset).failures
    assert "undeclared 99" in failure.cause


def test_a_whole_label_is_judged_as_it_is_and_shapes_must_agree() -> None:
    label = np.zeros((2, 3), np.uint8)
    assert annotated_voxels(label, label)[0] is label
    with pytest.raises(ShapeError):
        annotated_voxels(np.full((2, 3), NOT_ANNOTATED), label.T)
