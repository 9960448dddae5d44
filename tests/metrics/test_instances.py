from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from univox.errors import LabelError, ShapeError
from univox.metrics.instances import IOU_THRESHOLDS, ObjectOverlaps, mean_average_precision, object_overlaps

SHAPES = st.just((4, 5))
MAPS = arrays.arrays(np.uint16, SHAPES, elements=st.sampled_from([0, 1, 2, 3, 9]))
THRESHOLDS = st.sampled_from([0.1, 0.25, 1 / 3, 0.5, 0.55, 0.7, 1.0])


def brute_force(label: np.ndarray, prediction: np.ndarray, threshold: float) -> tuple[int, float]:
    """Best number of pairs, and of those ways the largest sum of IoU, over every way to pair."""
    there, found = (sorted(set(np.unique(m)) - {0}) for m in (label, prediction))
    iou = {
        (a, b): ((label == a) & (prediction == b)).sum() / ((label == a) | (prediction == b)).sum()
        for a in there
        for b in found
    }
    best = (0, 0.0)
    short, long, swapped = (there, found, False) if len(there) <= len(found) else (found, there, True)
    for order in itertools.permutations(long, len(short)):
        pairs = [(b, a) if swapped else (a, b) for a, b in zip(short, order, strict=True)]
        good = [iou[pair] for pair in pairs if iou[pair] >= threshold]
        best = max(best, (len(good), float(sum(good))))
    return best


@settings(deadline=None)
@given(MAPS, MAPS, THRESHOLDS)
def test_it_is_the_best_of_every_way_to_pair(label: np.ndarray, prediction: np.ndarray, threshold: float) -> None:
    scores = object_overlaps(label, prediction).at(threshold)
    number, iou_sum = brute_force(label, prediction, threshold)
    assert scores.true_positives == number
    assert scores.iou_sum == pytest.approx(iou_sum)
    assert scores.true_positives + scores.false_negatives == len(set(np.unique(label)) - {0})
    assert scores.true_positives + scores.false_positives == len(set(np.unique(prediction)) - {0})


@settings(deadline=None)
@given(MAPS)
def test_a_map_finds_itself(label: np.ndarray) -> None:
    overlaps = object_overlaps(label, label)
    if not label.any():
        assert math.isnan(overlaps.at(0.5).f1)
        assert math.isnan(mean_average_precision(overlaps))
        return
    scores = overlaps.at(1.0)
    figures = (scores.average_precision, scores.f1, scores.panoptic_quality, scores.precision, scores.recall)
    assert figures == (1.0,) * 5
    assert mean_average_precision(overlaps) == 1.0


@settings(deadline=None)
@given(MAPS, MAPS, THRESHOLDS)
def test_the_two_maps_change_places_and_numbers_mean_nothing(
    label: np.ndarray, prediction: np.ndarray, threshold: float
) -> None:
    one, other = object_overlaps(label, prediction).at(threshold), object_overlaps(prediction, label).at(threshold)
    assert (one.true_positives, one.false_positives) == (other.true_positives, other.false_negatives)
    assert one.iou_sum == pytest.approx(other.iou_sum)
    renumbered = np.array([0, 40, 7, 1, 0, 0, 0, 0, 0, 2])[prediction]
    again = object_overlaps(label, renumbered).at(threshold)
    assert (again.true_positives, again.iou_sum) == (one.true_positives, pytest.approx(one.iou_sum))


def test_by_hand() -> None:
    # IoU 3/4 with the first object, 1/2 with the second; the third is missed, and one is made up.
    label = np.array([[1, 1, 1, 1, 0, 2, 2, 0, 3]])
    prediction = np.array([[5, 5, 5, 0, 0, 6, 0, 7, 0]])
    overlaps = object_overlaps(label, prediction)
    at_half = overlaps.at(0.5)
    assert (at_half.true_positives, at_half.false_positives, at_half.false_negatives) == (2, 1, 1)
    assert at_half.average_precision == 2 / 4
    assert at_half.f1 == at_half.precision == at_half.recall == 2 / 3
    assert at_half.segmentation_quality == 0.625
    assert at_half.panoptic_quality == pytest.approx(0.625 * 2 / 3)
    # 0.5 finds two, 0.55 to 0.75 one of 3 + 3 - 1 = 5 objects, the other four none.
    assert mean_average_precision(overlaps) == pytest.approx((2 / 4 + 5 * 1 / 5) / 10)


def test_halves_of_an_object_do_not_both_find_it() -> None:
    scores = object_overlaps(np.array([1, 1]), np.array([1, 2])).at(0.5)
    assert (scores.true_positives, scores.false_positives, scores.false_negatives) == (1, 1, 0)


def test_where_objects_are_and_none_is_found_it_is_zero_and_not_unknown() -> None:
    for label, prediction in ((np.ones(3, int), np.zeros(3, int)), (np.zeros(3, int), np.ones(3, int))):
        scores = object_overlaps(label, prediction).at(0.5)
        assert (scores.average_precision, scores.f1, scores.panoptic_quality) == (0.0, 0.0, 0.0)
        assert math.isnan(scores.segmentation_quality)
        assert mean_average_precision(object_overlaps(label, prediction)) == 0.0


@settings(deadline=None)
@given(MAPS, MAPS)
def test_a_stricter_threshold_finds_no_more(label: np.ndarray, prediction: np.ndarray) -> None:
    overlaps = object_overlaps(label, prediction)
    found = [overlaps.at(threshold).true_positives for threshold in IOU_THRESHOLDS]
    assert found == sorted(found, reverse=True)


def test_panoptic_quality_agrees_with_monai() -> None:
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    label = np.zeros((40, 40), np.int64)
    for number in range(1, 13):
        row, column = rng.integers(0, 34, 2)
        label[row : row + 6, column : column + 6] = number
    prediction = np.roll(label, 1, axis=1)
    prediction[:10] = 0
    for threshold in (0.5, 0.6, 0.7):
        expected = metrics.compute_panoptic_quality(
            torch.from_numpy(prediction), torch.from_numpy(label), match_iou_threshold=threshold
        )
        scores = object_overlaps(label, prediction).at(threshold)
        assert 0 < scores.panoptic_quality < 1
        assert scores.panoptic_quality == pytest.approx(float(expected), abs=1e-5)


def test_what_is_no_map_of_objects_is_named() -> None:
    with pytest.raises(ShapeError, match="shape"):
        object_overlaps(np.ones(3, int), np.ones(4, int))
    with pytest.raises(LabelError, match="float64"):
        object_overlaps(np.ones(3), np.ones(3, int))
    with pytest.raises(LabelError, match="-1"):
        object_overlaps(np.ones(3, int), np.array([-1, 0, 1]))
    assert isinstance(object_overlaps(np.zeros(0, int), np.zeros(0, int)), ObjectOverlaps)
