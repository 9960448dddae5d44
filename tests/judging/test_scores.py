"""The figures of one case, by hand."""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
import pytest

from univox.errors import ShapeError
from univox.judging.scores import METRICS, ClassScore, evaluate_arrays, mean_dice

NAMES = ("background", "near", "far", "nowhere")


def test_four_classes_by_hand() -> None:
    label = np.array([[1, 1, 0, 0, 0, 2], [1, 1, 0, 0, 0, 2]])
    prediction = np.array([[1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]])
    near, far, nowhere = evaluate_arrays(label, prediction, class_names=NAMES, spacing_mm=(3.0, 2.0))
    assert asdict(near) == {
        "class_name": "near",
        "dice": 6 / 8,
        "iou": 3 / 5,
        "precision": 3 / 4,
        "recall": 3 / 4,
        # Label to prediction: 0, 0, 0 and (1, 1), which is 2 mm from (1, 0): rank 0.95 * 3 = 2.85.
        # Prediction to label: 0, 0, 0 and (0, 2), which is 2 mm from (0, 1).
        "hd95_mm": pytest.approx(1.7, rel=1e-14),
        "volume_label": 24.0,
        "volume_prediction": 24.0,
        "volume_difference": 0.0,
        "volume_difference_percent": 0.0,
    }
    assert (far.dice, far.iou, far.recall, far.hd95_mm) == (0.0, 0.0, 0.0, math.inf)
    assert math.isnan(far.precision)
    assert (far.volume_label, far.volume_difference, far.volume_difference_percent) == (12.0, -12.0, -100.0)
    assert all(math.isnan(value) for value in (nowhere.dice, nowhere.hd95_mm, nowhere.volume_difference_percent))
    assert mean_dice((near, far, nowhere)) == 0.375
    assert math.isnan(mean_dice((nowhere,)))


def test_volumes_are_milliliters_in_3d() -> None:
    label = np.ones((10, 10, 10), np.uint8)
    (score,) = evaluate_arrays(label, label, class_names=("rest", "block"), spacing_mm=(1.0, 2.0, 2.5))
    assert score.volume_label == 5.0


def test_every_metric_is_a_field_of_the_score() -> None:
    assert {metric.name for metric in METRICS} <= set(ClassScore.__dataclass_fields__)
    (perfect,) = evaluate_arrays(np.eye(3, dtype=int), np.eye(3, dtype=int), class_names=("a", "b"), spacing_mm=(1, 1))
    assert all(getattr(perfect, metric.name) == metric.best for metric in METRICS)


def test_spacing_of_another_length() -> None:
    with pytest.raises(ShapeError, match="2 spacing values"):
        evaluate_arrays(np.eye(3, dtype=int), np.eye(3, dtype=int), class_names=("a", "b"), spacing_mm=(1, 1, 1))
