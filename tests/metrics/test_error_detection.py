"""Ranks against counting every pair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.errors import ShapeError
from univox.metrics import error_detection


@given(seed=st.integers(0, 9999), voxels=st.integers(2, 60), levels=st.integers(1, 60))
@settings(deadline=None, max_examples=25)
def test_area_and_share_as_counted_pair_by_pair(seed: int, voxels: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    uncertainty = random.integers(0, levels, voxels) / levels
    wrong = random.uniform(size=voxels) < 0.3
    wrong[:2] = True, False
    pairs = [(a > b) + (a == b) / 2 for a in uncertainty[wrong] for b in uncertainty[~wrong]]
    found = error_detection(uncertainty.reshape(1, -1), wrong.reshape(1, -1))
    assert found.roc_area == pytest.approx(np.mean(pairs), abs=1e-12)
    # Twenty copies of each voxel: the limit then falls between two copies, and ties split as in a random order.
    shares = []
    for _ in range(60):
        order = random.permutation(voxels * 20)
        many, errors = np.repeat(uncertainty, 20)[order], np.repeat(wrong, 20)[order]
        top = np.argsort(-many, kind="stable")[:voxels]
        shares.append(errors[top].sum() / errors.sum())
    assert found.found == pytest.approx(np.mean(shares), abs=0.1)


def test_errors_first_and_errors_last() -> None:
    wrong = np.arange(100) < 4
    assert error_detection(1.0 - np.arange(100) / 100, wrong) == (1.0, 1.0)
    assert error_detection(np.arange(100) / 100, wrong) == (0.0, 0.0)
    even = error_detection(np.ones(100), wrong)
    assert even.roc_area == pytest.approx(0.5)
    assert even.found == pytest.approx(0.05)


def test_without_errors_there_is_nothing_to_find() -> None:
    assert all(map(math.isnan, error_detection(np.ones(5), np.zeros(5, bool))))
    nothing_right = error_detection(np.ones(5), np.ones(5, bool))
    assert math.isnan(nothing_right.roc_area)
    assert nothing_right.found == pytest.approx(0.05)
    with pytest.raises(ShapeError, match="a boolean array of shape"):
        error_detection(np.ones(5), np.zeros(4, bool))
