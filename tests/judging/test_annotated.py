"""Voxels that nobody labelled move no figure of a judgement."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from univox import metrics
from univox.data.classes import NOT_ANNOTATED
from univox.errors import ShapeError
from univox.judging.annotated import annotated_voxels
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


def test_a_whole_label_is_judged_as_it_is_and_shapes_must_agree() -> None:
    label = np.zeros((2, 3), np.uint8)
    assert annotated_voxels(label, label)[0] is label
    with pytest.raises(ShapeError):
        annotated_voxels(np.full((2, 3), NOT_ANNOTATED), label.T)
