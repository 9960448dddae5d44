"""Overlap against hand-worked answers, a voxel-by-voxel reference, and its laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from univox.errors import LabelError, ShapeError
from univox.metrics import overlap

NUM_CLASSES = 4
label_maps = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, max_side=6), elements=st.integers(0, NUM_CLASSES - 1)
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    label = draw(label_maps)
    return label, draw(hnp.arrays(np.uint8, label.shape, elements=st.integers(0, NUM_CLASSES - 1)))


def example_e3() -> tuple[np.ndarray, np.ndarray]:
    prediction, label = np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 4), np.uint8)
    for index in [(0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 2, 3)]:
        prediction[index] = 1
    for index in [(0, 0, 0), (0, 1, 1), (0, 1, 2), (1, 1, 2), (1, 2, 2)]:
        label[index] = 1
    return label, prediction


def test_hand_worked_example() -> None:
    # 24 voxels: 5 in the label, 4 in the prediction, 2 in both.
    counts = overlap.count(*example_e3(), 2)
    assert counts.true_positive.tolist() == [17, 2]
    assert counts.false_positive.tolist() == [3, 2]
    assert counts.false_negative.tolist() == [2, 3]
    assert counts.true_negative.tolist() == [2, 17]
    assert overlap.dice(counts)[1] == 4 / 9
    assert overlap.iou(counts)[1] == 2 / 7
    assert overlap.precision(counts)[1] == 2 / 4
    assert overlap.recall(counts)[1] == 2 / 5
    assert overlap.specificity(counts)[1] == 17 / 19
    assert overlap.accuracy(counts)[1] == 19 / 24
    assert overlap.volume_similarity(counts)[1] == 1 - 1 / 9
    assert overlap.volume_difference(counts, (1.0, 10.0, 100.0))[1] == -1.0
    assert overlap.volume_difference_percent(counts)[1] == -20.0


def test_scattered_masks_with_seven_shared_voxels() -> None:
    d, h, w = np.indices((3, 4, 5))
    prediction, label = (7 * d + 5 * h + 3 * w) % 4 == 0, (7 * d + 5 * h + 3 * w) % 3 == 0
    assert overlap.dice(overlap.count(label, prediction, 2))[1] == 0.4


def test_empty_rules() -> None:
    nothing, something = np.zeros(4, np.uint8), np.array([0, 0, 1, 1], np.uint8)
    both = overlap.count(nothing, nothing, 2)
    for measure in (overlap.dice, overlap.iou, overlap.precision, overlap.recall, overlap.volume_similarity):
        assert math.isnan(measure(both)[1])
    assert overlap.specificity(both)[1] == overlap.accuracy(both)[1] == 1.0
    assert overlap.volume_difference(both, (1.0, 1.0))[1] == 0.0
    assert math.isnan(overlap.volume_difference_percent(both)[1])
    missed = overlap.count(something, nothing, 2)
    assert overlap.dice(missed)[1] == overlap.iou(missed)[1] == overlap.recall(missed)[1] == 0.0
    assert math.isnan(overlap.precision(missed)[1])
    assert overlap.accuracy(missed)[1] == 0.5
    assert overlap.volume_similarity(missed)[1] == 0.0
    assert overlap.volume_difference_percent(missed)[1] == -100.0
    invented = overlap.count(nothing, something, 2)
    assert overlap.dice(invented)[1] == overlap.iou(invented)[1] == overlap.precision(invented)[1] == 0.0
    assert math.isnan(overlap.recall(invented)[1])
    assert overlap.volume_difference_percent(invented)[1] == math.inf


@given(pairs())
@settings(deadline=None, max_examples=40)
def test_counts_equal_a_voxel_by_voxel_reference(pair: tuple[np.ndarray, np.ndarray]) -> None:
    label, prediction = pair
    counts = overlap.count(label, prediction, NUM_CLASSES)
    for k in range(NUM_CLASSES):
        voxels = list(zip(label.ravel().tolist(), prediction.ravel().tolist(), strict=True))
        assert counts.true_positive[k] == sum(a == k and b == k for a, b in voxels)
        assert counts.false_positive[k] == sum(a != k and b == k for a, b in voxels)
        assert counts.false_negative[k] == sum(a == k and b != k for a, b in voxels)
        assert counts.true_negative[k] == sum(a != k and b != k for a, b in voxels)
        assert overlap.accuracy(counts)[k] == np.mean((label == k) == (prediction == k))
        assert counts.label[k] == (label == k).sum()
        assert counts.prediction[k] == (prediction == k).sum()


@given(pairs())
@settings(deadline=None, max_examples=40)
def test_laws(pair: tuple[np.ndarray, np.ndarray]) -> None:
    label, prediction = pair
    there = overlap.count(label, prediction, NUM_CLASSES)
    back = overlap.count(prediction, label, NUM_CLASSES)
    iou = overlap.iou(there)
    np.testing.assert_allclose(overlap.dice(there), 2 * iou / (1 + iou), rtol=1e-14)
    np.testing.assert_array_equal(overlap.dice(there), overlap.dice(back))
    np.testing.assert_array_equal(overlap.precision(there), overlap.recall(back))
    sizes = overlap.volume_similarity(there)
    np.testing.assert_array_equal(sizes, overlap.volume_similarity(back))
    expected = 1 - np.abs(there.label - there.prediction) / np.maximum(there.label + there.prediction, 1)
    np.testing.assert_allclose(sizes[~np.isnan(sizes)], expected[~np.isnan(sizes)], rtol=1e-14)
    assert not np.any(sizes < overlap.dice(there))
    flipped = overlap.count(np.flip(label).T, np.flip(prediction).T, NUM_CLASSES)
    np.testing.assert_array_equal(overlap.dice(there), overlap.dice(flipped))
    itself = overlap.dice(overlap.count(label, label, NUM_CLASSES))
    assert all(itself[k] == 1.0 if (label == k).any() else math.isnan(itself[k]) for k in range(NUM_CLASSES))


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    label, prediction = random.integers(0, 3, (2, 5, 7, 11))
    whole = overlap.confusion_matrix(label, prediction, 3)
    monkeypatch.setattr(overlap, "VOXELS_PER_BLOCK", 13)
    np.testing.assert_array_equal(overlap.confusion_matrix(label, prediction, 3), whole)
    assert whole.sum() == label.size


def test_more_voxels_than_a_small_integer_holds() -> None:
    ones = np.ones((300, 300), np.uint8)
    assert overlap.dice(overlap.count(ones, ones, 256))[1] == 1.0
    assert overlap.count(ones, ones * 255, 256).false_positive[255] == 90_000


@pytest.mark.parametrize(
    ("spacing_mm", "unit", "size"),
    [((2.0, 5.0, 10.0), "ml", 0.3), ((2.0, 5.0), "mm2", 30.0), ((2.0,), "mm", 6.0)],
)
def test_sizes_and_their_units(spacing_mm: tuple[float, ...], unit: str, size: float) -> None:
    assert overlap.extent(np.array([3]), spacing_mm)[0] == pytest.approx(size, rel=1e-15)
    assert overlap.extent_unit(len(spacing_mm)) == unit


def test_errors_name_what_came() -> None:
    label = np.zeros((2, 3), np.uint8)
    with pytest.raises(ShapeError, match=r"\(2, 3\), got shape \(3, 2\)"):
        overlap.count(label, label.T, 2)
    with pytest.raises(LabelError, match=r"0\.\.1 in the prediction, got values from 0 to 7"):
        overlap.count(label, np.where(label == 0, np.eye(2, 3, dtype=np.uint8) * 7, 0), 2)
    with pytest.raises(LabelError, match="in the label, got values from -1"):
        overlap.count(label.astype(np.int8) - np.int8(1), label, 2)
    with pytest.raises(LabelError, match="float64"):
        overlap.count(label, label.astype(float), 2)


def test_an_array_without_voxels_counts_nothing() -> None:
    assert overlap.count(np.zeros((0, 3), int), np.zeros((0, 3), int), 2).true_negative.tolist() == [0, 0]
