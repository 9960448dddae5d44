"""Entropy against its definition and its extremes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from univox.metrics import RunningEntropy, normalized_entropy, tempered


def drawn(seed: int, classes: int, shape: tuple[int, ...] = (3, 4, 2)) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), shape).transpose(-1, *range(len(shape)))


@pytest.mark.parametrize("classes", [2, 3, 9, 256])
@pytest.mark.parametrize("temperature", [0.1, 0.7, 1.0, 10.0])
def test_even_probabilities_have_one_and_a_certain_class_has_none(classes: int, temperature: float) -> None:
    even = np.full((classes, 2, 3), 1 / classes, np.float32)
    np.testing.assert_allclose(normalized_entropy(even, temperature=temperature), 1, atol=5e-5)
    certain = np.zeros((classes, 2, 3), np.float32)
    certain[classes - 1] = 1
    assert not normalized_entropy(certain, temperature=temperature).any()


@given(seed=st.integers(0, 999), classes=st.integers(2, 12), temperature=st.floats(0.1, 10))
@settings(deadline=None, max_examples=40)
def test_entropy_of_tempered_probabilities_as_defined(seed: int, classes: int, temperature: float) -> None:
    probabilities = drawn(seed, classes)
    powers = probabilities ** (1 / temperature)
    expected = entropy(powers / powers.sum(0), axis=0) / np.log(classes)
    found = normalized_entropy(probabilities.astype(np.float32), temperature=temperature)
    np.testing.assert_allclose(found, expected, atol=5e-5)
    np.testing.assert_allclose(normalized_entropy(tempered(probabilities, temperature)), expected, atol=5e-5)
    assert 0 <= found.min() <= found.max() <= 1


def test_a_hand_worked_voxel() -> None:
    # 1/2, 1/4, 1/4 hold 1.5 bits of the log2(3) that three classes can.
    running = RunningEntropy((1,))
    for value in (0.5, 0.25, 0.25):
        running.add(np.array([value]))
    assert running.normalized()[0] == pytest.approx(1.5 / np.log2(3), rel=1e-6)


def test_what_comes_is_left_as_it_is() -> None:
    probability = np.full((2, 2), 0.5, np.float32)
    running = RunningEntropy((2, 2), temperature=2.0)
    running.add(probability)
    assert (probability == 0.5).all()
    assert not running.normalized().any()  # one class alone is certain
