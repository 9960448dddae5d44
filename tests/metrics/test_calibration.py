"""Calibration against hand-worked bins, a voxel-by-voxel reference, and its laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.errors import LabelError, ShapeError
from univox.metrics import calibration


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


def drawn(seed: int, classes: int = 3, shape: tuple[int, ...] = (4, 5)) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return softmax(random.standard_normal((classes, *shape)) * 2), random.integers(0, classes, shape)


def test_hand_worked_bins() -> None:
    # Confidences 0.95 (right), 0.85 (wrong), 0.55 (right), 0.65 (wrong), 0.6 (right) in five bins: 0.4-0.6 holds
    # 0.55 and 0.6, both right; 0.6-0.8 holds 0.65, wrong; 0.8-1 holds 0.95 and 0.85, one right.
    second = np.array([0.05, 0.15, 0.45, 0.65, 0.6])
    found = calibration.measure_calibration(np.stack([1 - second, second]), np.array([0, 1, 0, 0, 1]), bins=5)
    assert found.voxels.tolist() == [0, 0, 2, 1, 2]
    assert found.right.tolist() == [0, 0, 2, 0, 1]
    assert found.confidence[2:].tolist() == pytest.approx([0.575, 0.65, 0.9], rel=1e-14)
    assert found.accuracy[2:].tolist() == [1.0, 0.0, 0.5]
    assert np.isnan(found.accuracy[:2]).all()
    assert np.isnan(found.confidence[:2]).all()
    assert found.expected_error == pytest.approx((2 * 0.425 + 0.65 + 2 * 0.4) / 5, rel=1e-14)
    assert found.maximum_error == pytest.approx(0.65, rel=1e-14)


def test_edges_of_bins_belong_below() -> None:
    first = np.array([0.5, 0.75, 1.0, 0.0])
    found = calibration.measure_calibration(np.stack([first, 1 - first]), np.zeros(4, int), bins=4)
    assert found.voxels.tolist() == [0, 1, 1, 2]
    # Equal probabilities: the lower class, hence right.
    assert found.right.tolist() == [0, 1, 1, 1]


def test_certain_and_right_or_wrong() -> None:
    label = np.array([[0, 1], [1, 2]])
    certain = np.stack([label == k for k in range(3)]).astype(np.float32)
    assert calibration.measure_calibration(certain, label).expected_error == 0.0
    assert calibration.measure_calibration(certain, (label + 1) % 3).expected_error == 1.0
    assert calibration.measure_calibration(certain, (label + 1) % 3).maximum_error == 1.0


def test_probabilities_that_mean_what_they_say() -> None:
    random = np.random.default_rng(0)
    second = random.random(200_000)
    label = (random.random(second.size) < second).astype(np.int64)
    true = calibration.measure_calibration(np.stack([1 - second, second]), label)
    assert true.expected_error < 0.01
    sharper = second**4 / (second**4 + (1 - second) ** 4)
    assert calibration.measure_calibration(np.stack([1 - sharper, sharper]), label).expected_error > 0.1


@given(st.integers(0, 2**32 - 1), st.integers(1, 20))
@settings(deadline=None, max_examples=30)
def test_equal_to_a_voxel_by_voxel_reference(seed: int, bins: int) -> None:
    probabilities, label = drawn(seed)
    found = calibration.measure_calibration(probabilities, label, bins=bins)
    gaps: dict[int, list[float]] = {}
    for index in np.ndindex(label.shape):
        values = [float(p) for p in probabilities[(slice(None), *index)]]
        k = next(k for k in range(bins) if k / bins < max(values) <= (k + 1) / bins)
        gaps.setdefault(k, []).append(float(values.index(max(values)) == label[index]) - max(values))
    assert {k: int(n) for k, n in enumerate(found.voxels) if n} == {k: len(of_bin) for k, of_bin in gaps.items()}
    expected = sum(abs(math.fsum(of_bin)) for of_bin in gaps.values()) / label.size
    assert found.expected_error == pytest.approx(expected, abs=1e-12)
    worst = max(abs(math.fsum(of_bin)) / len(of_bin) for of_bin in gaps.values())
    assert found.maximum_error == pytest.approx(worst, abs=1e-12)
    assert found.expected_error <= found.maximum_error + 1e-12


def test_parts_blocks_and_cases_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    probabilities, label = drawn(1, shape=(3, 4, 5))
    whole = calibration.measure_calibration(probabilities, label)
    within = np.random.default_rng(2).random(label.shape) < 0.4
    monkeypatch.setattr(calibration, "VOXELS_PER_BLOCK", 7)
    parts = [calibration.measure_calibration(probabilities, label, within=mask) for mask in (within, ~within)]
    for found in (parts[0] + parts[1], calibration.measure_calibration(probabilities, label)):
        np.testing.assert_array_equal(found.voxels, whole.voxels)
        np.testing.assert_array_equal(found.right, whole.right)
        np.testing.assert_allclose(found.confidence_sum, whole.confidence_sum, rtol=1e-14)
    assert parts[0].voxels.sum() == within.sum()


def test_no_voxel_has_no_error() -> None:
    probabilities, label = drawn(0)
    nothing = calibration.measure_calibration(probabilities, label, within=np.zeros(label.shape, bool))
    assert math.isnan(nothing.expected_error)
    assert math.isnan(nothing.maximum_error)
    whole = calibration.measure_calibration(probabilities, label)
    assert (whole + nothing).expected_error == whole.expected_error


def test_errors_name_what_came() -> None:
    probabilities, label = drawn(0)
    with pytest.raises(ShapeError, match=r"\(classes, \*\(4, 5\)\), got shape \(4, 5\)"):
        calibration.measure_calibration(probabilities[0], label)
    with pytest.raises(ShapeError, match="a boolean mask of shape"):
        calibration.measure_calibration(probabilities, label, within=np.ones((4, 5)))
    with pytest.raises(LabelError, match=r"0\.\.2, got dtype int64, values from 3 to 5"):
        calibration.measure_calibration(probabilities, label + 3 - label.min())
    with pytest.raises(LabelError, match="got dtype float64"):
        calibration.measure_calibration(probabilities, label.astype(float))
    for wrong in (probabilities - 1, probabilities * 9, probabilities * math.nan):
        with pytest.raises(LabelError, match="softmax"):
            calibration.measure_calibration(wrong, label)
    with pytest.raises(ValueError, match="bins"):
        calibration.measure_calibration(probabilities, label, bins=0)
    with pytest.raises(ShapeError, match="15 bins on both sides, got 4 bins"):
        calibration.measure_calibration(probabilities, label) + calibration.measure_calibration(
            probabilities, label, bins=4
        )
