"""Summaries by hand, and the laws of the bootstrap interval."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.judging import statistics
from univox.judging.statistics import bootstrap_interval, summarize

values = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


def test_summary_by_hand() -> None:
    summary = summarize([2.0, math.nan, 4.0, math.inf, 9.0, -math.inf])
    assert (summary.mean, summary.median, summary.counted, summary.left_out) == (5.0, 4.0, 3, 3)
    assert summary.sd == pytest.approx(math.sqrt((9 + 1 + 16) / 2))
    assert 2.0 <= summary.low < 5.0 < summary.high <= 9.0


def test_nothing_and_one_value() -> None:
    nothing = summarize([math.nan, math.inf])
    assert all(math.isnan(getattr(nothing, name)) for name in ("mean", "sd", "median", "low", "high"))
    assert (nothing.counted, nothing.left_out) == (0, 2)
    one = summarize([0.7])
    assert (one.mean, one.median, one.counted, one.left_out) == (0.7, 0.7, 1, 0)
    assert all(math.isnan(getattr(one, name)) for name in ("sd", "low", "high"))


def test_the_interval_is_that_of_every_resample() -> None:
    # Four cases have 4^4 equally likely resamples, which can all be written down.
    cases = [0.0, 0.1, 0.4, 1.0]
    means = sorted(sum(drawn) / 4 for drawn in itertools.product(cases, repeat=4))
    low, high = bootstrap_interval(cases, resamples=20_000)
    assert low == pytest.approx(np.percentile(means, 2.5), abs=0.02)
    assert high == pytest.approx(np.percentile(means, 97.5), abs=0.02)


def test_a_wider_confidence_is_a_wider_interval() -> None:
    cases = list(np.random.default_rng(0).normal(size=30))
    (low_50, high_50), (low_99, high_99) = (bootstrap_interval(cases, confidence=c) for c in (0.5, 0.99))
    assert low_99 < low_50 < np.mean(cases) < high_50 < high_99


def test_coverage_of_the_true_mean() -> None:
    random = np.random.default_rng(1)
    hits = [
        low <= 0.5 <= high
        for low, high in (bootstrap_interval(list(random.random(40)), resamples=500) for _ in range(200))
    ]
    assert 0.88 <= np.mean(hits) <= 0.99


@given(values, st.randoms())
@settings(deadline=None, max_examples=25)
def test_laws(cases: list[float], random: object) -> None:
    low, high = bootstrap_interval(cases, resamples=300)
    assert min(cases) - 1e-9 <= low <= high <= max(cases) + 1e-9
    shuffled = list(cases)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert summarize(shuffled, resamples=300) == summarize(cases, resamples=300)
    moved = bootstrap_interval([3.0 + 2.0 * case for case in cases], resamples=300)
    assert moved == pytest.approx((3.0 + 2.0 * low, 3.0 + 2.0 * high), abs=1e-9)


def test_the_seed_decides_and_the_blocks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = list(np.random.default_rng(2).normal(size=17))
    whole = bootstrap_interval(cases, seed=3)
    assert whole == bootstrap_interval(cases, seed=3) != bootstrap_interval(cases, seed=4)
    monkeypatch.setattr(statistics, "INDICES_PER_BLOCK", 50)
    assert bootstrap_interval(cases, seed=3) == whole
