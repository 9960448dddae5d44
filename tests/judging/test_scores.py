"""The figures of one case, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from univox.errors import MetricError, ShapeError
from univox.judging.measures import Measures
from univox.judging.scores import evaluate_arrays, evaluate_segments, mean_dice
from univox.metrics.catalog import CASE_METRICS, METRICS

NAMES = ("background", "near", "far", "nowhere")


def test_four_classes_by_hand() -> None:
    label = np.array([[1, 1, 0, 0, 0, 2], [1, 1, 0, 0, 0, 2]])
    prediction = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
    near, far, nowhere = evaluate_arrays(label, prediction, class_names=NAMES, spacing_mm=(3.0, 2.0))
    assert near.class_name == "near"
    assert near.values == {
        "dice": 6 / 8,
        "iou": 3 / 5,
        "precision": 3 / 4,
        "recall": 3 / 4,
        "specificity": 7 / 8,
        "accuracy": 10 / 12,
        # Label to prediction: 0, 0, 0 and (1, 1), which is 2 mm from (1, 0): rank 0.95 * 3 = 2.85.
        # Prediction to label: 0, 0, 0 and (0, 2), which is 2 mm from (0, 1).
        "hd95_mm": pytest.approx(1.7, rel=1e-14),
        "hd_mm": 2.0,
        "assd_mm": 4 / 8,
        "surface_dice": 1.0,
        "volume_label": 24.0,
        "volume_prediction": 24.0,
        "volume_difference": 0.0,
        "volume_difference_percent": 0.0,
        "volume_similarity": 1.0,
    }
    assert (far["dice"], far["iou"], far["recall"], far["hd95_mm"]) == (0.0, 0.0, 0.0, math.inf)
    assert math.isnan(far["precision"])
    assert (far["volume_label"], far["volume_difference"], far["volume_difference_percent"]) == (12.0, -12.0, -100.0)
    assert all(math.isnan(nowhere[name]) for name in ("dice", "hd95_mm", "volume_difference_percent"))
    assert mean_dice((near, far, nowhere)) == 0.375
    assert math.isnan(mean_dice((nowhere,)))


def test_the_metrics_that_are_asked_for_by_hand() -> None:
    label = np.array([[1, 1, 0, 0, 0, 2], [1, 1, 0, 0, 0, 2]])
    prediction = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
    measures = Measures(metrics=("modified-hausdorff", "lesions"), tolerance_mm=0.0)
    near, far, _ = evaluate_arrays(label, prediction, class_names=NAMES, spacing_mm=(3.0, 2.0), measures=measures)
    root = math.sqrt(2) / 2
    assert near.values == {
        "dice": 6 / 8,
        # Columns of the label: twice 11, four times 00; of the prediction: 11, twice 10, three times 00.
        "mhd_h": 2 / 6,
        # Rows of the label: 110000 twice; of the prediction: 111000 and 100000, each 1 away.
        "mhd_w": 1.0,
        "mhd_3d": (2 / 6 + 1.0) / 2,
        "lesions_label": 1.0,
        "lesions_prediction": 1.0,
        "lesions_found": 1.0,
        "lesions_missed": 0.0,
        "lesions_false": 0.0,
        "lesion_recall": 1.0,
        "lesion_precision": 1.0,
        "lesion_f1": 1.0,
    }
    assert (far["mhd_h"], far["mhd_w"]) == (pytest.approx(2 * root / 6), 1.0)
    assert (far["lesions_missed"], far["lesion_f1"]) == (1.0, 0.0)
    with pytest.raises(MetricError, match=r"got 'hd95_mm'.*--metrics"):
        far["hd95_mm"]


def test_a_tolerance_is_a_distance_that_still_counts() -> None:
    label, prediction = np.zeros((2, 9, 9), np.uint8)
    label[2:5, 2:5], prediction[2:5, 3:6] = 1, 1
    found = [
        evaluate_arrays(label, prediction, class_names=("a", "b"), spacing_mm=(1.0, 3.0), measures=measures)[0]
        for measures in (Measures(tolerance_mm=2.9), Measures(tolerance_mm=3.0))
    ]
    # Of 8 boundary pixels a side, 4 are shared, one lies 1 mm inside the other, and the outer column of 3 is 3 mm away.
    assert [score["surface_dice"] for score in found] == [10 / 16, 1.0]


def test_volumes_are_milliliters_in_3d() -> None:
    label = np.ones((10, 10, 10), np.uint8)
    (score,) = evaluate_arrays(label, label, class_names=("rest", "block"), spacing_mm=(1.0, 2.0, 2.5))
    assert score["volume_label"] == 5.0


@pytest.mark.parametrize("shape", [(3, 3), (3, 4, 5)])
def test_every_metric_of_the_catalog_is_at_its_best_where_all_is_found(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    label = random.integers(0, 2, shape)
    everything = Measures(metrics=("all",))
    spacing_mm = (1.0, 2.0, 3.0)[: len(shape)]
    (perfect,) = evaluate_arrays(label, label, class_names=("a", "b"), spacing_mm=spacing_mm, measures=everything)
    assert set(perfect.values) == {metric.name for metric in METRICS if len(shape) in metric.dims}
    for metric in METRICS:
        if metric.best is not None and metric.name in perfect.values:
            assert perfect[metric.name] == metric.best, metric.name
    whole = evaluate_segments(label, label, interior=[1], measures=everything)
    assert whole == {metric.name: metric.best for metric in CASE_METRICS}


def test_a_class_in_neither_map_by_both_conventions() -> None:
    nothing = np.zeros((3, 4, 5), np.uint8)
    spaced = {"class_names": ("a", "b"), "spacing_mm": (1.0, 2.0, 3.0)}
    (left_out,) = evaluate_arrays(nothing, nothing, **spaced, measures=Measures(metrics=("all",)))
    never_nan = {"specificity", "accuracy", "volume_difference", "lesions_missed", "lesions_false"}
    facts = {metric.name for metric in METRICS if metric.best is None}
    assert {name for name, value in left_out.values.items() if not math.isnan(value)} == never_nan | facts
    (perfect,) = evaluate_arrays(nothing, nothing, **spaced, measures=Measures(metrics=("all",), empty="one"))
    for metric in METRICS:
        assert perfect[metric.name] == (0.0 if metric.best is None else metric.best), metric.name
    # One side empty is no such case: a missed class stays a missed class.
    something = nothing.copy()
    something[0, 0, 0] = 1
    for label, prediction in ((nothing, something), (something, nothing)):
        both = [
            evaluate_arrays(label, prediction, **spaced, measures=Measures(metrics=("all",), empty=empty))[0]
            for empty in ("nan", "one")
        ]
        np.testing.assert_equal(dict(both[0].values), dict(both[1].values))
        assert both[0]["hd95_mm"] == math.inf
        assert both[0]["mhd_3d"] > 0


def test_segments_by_hand() -> None:
    label, prediction = np.full((2, 3, 5), 2)
    label[:, 2] = prediction[[0, 2], 2] = 0
    measures = Measures(metrics=("rand_merge", "rand_error", "pixel_error"))
    found = evaluate_segments(label, prediction, interior=[2], measures=measures)
    # 12 voxels of two cells, in one predicted segment: 2 x 36 pairs of 144 belong together.
    assert found == {"rand_error": pytest.approx(1 / 3), "rand_merge": 0.5, "pixel_error": 1 / 15}
    # Both classes as interior: nothing divides anything.
    joined = evaluate_segments(label, prediction, interior=[0, 2], measures=measures)
    assert joined == {"rand_error": 0.0, "rand_merge": 1.0, "pixel_error": 0.0}
    assert evaluate_segments(label, prediction, interior=[2]) == {}
    nothing = {
        empty: evaluate_segments(label, prediction, interior=[1], measures=Measures(metrics=("all",), empty=empty))
        for empty in ("nan", "one")
    }
    assert [name for name, value in nothing["nan"].items() if not math.isnan(value)] == ["pixel_error"]
    assert nothing["one"] == {metric.name: metric.best for metric in CASE_METRICS}


def test_spacing_of_another_length() -> None:
    with pytest.raises(ShapeError, match="2 spacing values"):
        evaluate_arrays(np.eye(3, dtype=int), np.eye(3, dtype=int), class_names=("a", "b"), spacing_mm=(1, 1, 1))
