"""The temperature that labels were drawn at is found again, and no fit makes anything worse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from univox.errors import LabelError, ShapeError
from univox.metrics import fit_temperature, measure_calibration, negative_log_likelihood, tempered
from univox.metrics.temperature import HIGHEST, LOWEST


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=0))
    return powers / powers.sum(axis=0)


def drawn_at(temperature: float, classes: int = 4, voxels: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    """The softmax of logits z, and labels drawn from the softmax of z / temperature."""
    random = np.random.default_rng(5)
    logits = random.standard_normal((classes, voxels)) * 2.5
    below = softmax(logits / temperature).cumsum(axis=0) < random.uniform(size=voxels)
    return softmax(logits).astype(np.float32), np.minimum(below.sum(axis=0), classes - 1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 1.7, 4.0])
def test_the_temperature_of_the_labels_is_recovered_and_calibrates(temperature: float) -> None:
    probabilities, label = drawn_at(temperature)
    found = fit_temperature(probabilities, label)
    assert found == pytest.approx(temperature, rel=0.03)
    error = measure_calibration(tempered(probabilities, found), label).expected_error
    assert error < 0.012
    if temperature in (0.4, 4.0):
        assert measure_calibration(probabilities, label).expected_error > 5 * error


@given(seed=st.integers(0, 9999), classes=st.integers(2, 5), voxels=st.integers(1, 60), spread=st.floats(0.1, 30))
@settings(deadline=None, max_examples=30)
def test_a_fit_never_raises_the_likelihood_and_agrees_with_scipy(
    seed: int, classes: int, voxels: int, spread: float
) -> None:
    random = np.random.default_rng(seed)
    probabilities = softmax(random.standard_normal((classes, voxels)) * spread).astype(np.float32)
    label = random.integers(0, classes, voxels)
    found = fit_temperature(probabilities, label)
    assert LOWEST <= found <= HIGHEST
    after = negative_log_likelihood(probabilities, label, temperature=found)
    assert after <= negative_log_likelihood(probabilities, label)
    reference = minimize_scalar(
        lambda log: negative_log_likelihood(probabilities, label, temperature=float(np.exp(log))),
        bounds=(np.log(LOWEST), np.log(HIGHEST)),
        method="bounded",
    )
    assert after <= reference.fun + 1e-6


@given(seed=st.integers(0, 999), temperature=st.floats(0.2, 9))
@settings(deadline=None, max_examples=30)
def test_tempered_softmax_is_the_softmax_of_divided_logits(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).standard_normal((5, 7)) * 3
    found = tempered(softmax(logits), temperature)
    np.testing.assert_allclose(found, softmax(logits / temperature), atol=1e-6)
    np.testing.assert_array_equal(found.argmax(0), logits.argmax(0))


def test_likelihood_by_hand() -> None:
    probabilities = np.array([[0.5, 0.0, 1.0], [0.5, 1.0, 0.0]])
    expected = (np.log(2) + 0 + 0) / 3
    assert negative_log_likelihood(probabilities, np.array([0, 1, 0])) == pytest.approx(expected)
    # At another temperature a class of probability 0 keeps it: the others' sum stays 1.
    assert negative_log_likelihood(probabilities, np.array([1, 1, 0]), temperature=5) == pytest.approx(expected)
    # -log of the smallest float32, for probability 0.
    assert negative_log_likelihood(probabilities[:, 1:2], np.array([0])) == pytest.approx(87.34, abs=0.01)


def test_labels_beyond_all_temperatures_end_at_the_limits() -> None:
    probabilities = np.tile(np.array([[0.7], [0.3]], np.float32), 50)
    assert fit_temperature(probabilities, np.zeros(50, int)) == pytest.approx(LOWEST, rel=1e-5)
    assert fit_temperature(probabilities, np.ones(50, int)) == pytest.approx(HIGHEST, rel=1e-5)
    even = np.full((2, 50), 0.5)
    assert fit_temperature(even, np.zeros(50, int)) == 1.0


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.1])
def test_what_is_no_probability_is_refused(value: float) -> None:
    probabilities = np.full((2, 3), 0.5)
    probabilities[0, 1] = value
    with pytest.raises(LabelError, match=r"expected probabilities in \[0, 1\], got values from"):
        fit_temperature(probabilities, np.zeros(3, int))


def test_labels_and_shapes_that_do_not_fit_are_refused() -> None:
    probabilities = np.full((2, 3), 0.5)
    with pytest.raises(LabelError, match=r"class indices 0\.\.1, got dtype int64, values from 0 to 2"):
        fit_temperature(probabilities, np.array([0, 2, 1]))
    with pytest.raises(ShapeError, match=r"\(2, 3\) and \(4,\)"):
        negative_log_likelihood(probabilities, np.zeros(4, int))
    with pytest.raises(ShapeError, match="voxels to fit a temperature on, got none"):
        fit_temperature(probabilities[:, :0], np.zeros(0, int))
