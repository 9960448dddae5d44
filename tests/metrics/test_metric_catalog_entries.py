"""What the catalog says of its metrics, and how they are chosen."""

from __future__ import annotations

import pytest

from univox.errors import MetricError
from univox.metrics.catalog import (
    ALL_METRICS,
    CASE_METRICS,
    DEFAULT_GROUPS,
    GROUPS,
    METRICS,
    Metric,
    chosen_names,
    find_metric,
)


def test_every_metric_says_all_that_a_reader_needs() -> None:
    assert len({metric.name for metric in ALL_METRICS}) == len(ALL_METRICS)
    for metric in ALL_METRICS:
        for text in (metric.title, metric.range, metric.what, metric.use, metric.avoid, metric.empty, metric.source):
            assert text.strip() == text != "", metric.name
        assert metric.what.endswith(".")
        assert (metric.best is None) == (metric.direction == "none")
        assert metric.best in {"higher": (1.0,), "lower": (0.0,), "zero": (0.0,), "none": (None,)}[metric.direction]
        assert metric.name.endswith("_mm") == (metric.unit == "mm")
    assert set(DEFAULT_GROUPS) < set(GROUPS) == {metric.group for metric in (*METRICS, *CASE_METRICS)}


def test_no_name_means_two_metrics() -> None:
    names: dict[str, set[str]] = {}
    for metric in ALL_METRICS:
        for name in (metric.name, *metric.also):
            names.setdefault(name.lower().replace("-", " "), set()).add(metric.group)
    assert all(len(groups) == 1 for groups in names.values())
    for metric in ALL_METRICS:
        assert find_metric(metric.name) is metric
        assert find_metric(metric.name.upper().replace("_", " ")) is metric


def test_choosing() -> None:
    assert chosen_names(["all"]) == {metric.name for metric in (*METRICS, *CASE_METRICS)}
    assert chosen_names(["rand_error"]) == {"dice", "rand_error"}
    for wrong in ([], ["all", "luck"], ["expected_calibration_error"]):
        with pytest.raises(MetricError, match=r"groups of metrics \(overlap, surface"):
            chosen_names(wrong)
    with pytest.raises(MetricError, match="got 'luck'"):
        find_metric("luck")


def test_a_metric_is_a_value() -> None:
    assert isinstance(find_metric("ECE"), Metric)
    assert find_metric("ARAND").name == "rand_error"
