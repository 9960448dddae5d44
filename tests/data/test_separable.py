from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from univox.data.separable import Taps, apply_taps, bspline_taps, coarse_taps, gaussian_taps


def dense(taps: Taps, inputs: int) -> np.ndarray:
    """The operator as a matrix (output, input)."""
    matrix = np.zeros((taps.indices.shape[1], inputs))
    for index, weight in zip(taps.indices.numpy(), taps.weights.numpy(), strict=True):
        np.add.at(matrix, (np.arange(len(index)), index), weight)
    return matrix


def test_taps_on_each_axis_are_the_product_of_matrices() -> None:
    image = torch.randn(2, 6, 7, 8, generator=torch.Generator().manual_seed(0))
    taps = (gaussian_taps(6, 0.8), coarse_taps(7, 0.6), gaussian_taps(8, 0.3))
    matrices = [dense(operator, size) for operator, size in zip(taps, (6, 7, 8), strict=True)]
    expected = np.einsum("ai,bj,ck,zijk->zabc", *matrices, image.numpy())
    np.testing.assert_allclose(apply_taps(image, taps), expected, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(sigma=st.floats(0.05, 2.0), size=st.integers(1, 12))
def test_blur_is_scipys(sigma: float, size: int) -> None:
    signal = np.random.default_rng(0).standard_normal(size).astype(np.float32)
    radius = int(np.ceil(3.0 * sigma))
    expected = ndimage.gaussian_filter1d(signal, sigma, mode="nearest", radius=radius)
    result = apply_taps(torch.from_numpy(signal), (gaussian_taps(size, sigma),))
    np.testing.assert_allclose(result, expected, atol=1e-5)


def test_no_blur_is_the_identity() -> None:
    signal = torch.arange(5.0)
    assert torch.equal(apply_taps(signal, (gaussian_taps(5, 0.0),)), signal)


def test_half_resolution_by_hand() -> None:
    # Pairs average to 1, 5, 9 at places 0.5, 2.5, 4.5; linear between them, constant beyond.
    signal = torch.tensor([0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
    result = apply_taps(signal, (coarse_taps(6, 0.5),))
    torch.testing.assert_close(result, torch.tensor([1.0, 2.0, 4.0, 6.0, 8.0, 9.0]))


@settings(deadline=None, max_examples=25)
@given(size=st.integers(1, 20), zoom=st.floats(0.05, 1.0))
def test_low_resolution_keeps_constants_and_full_resolution_is_the_identity(size: int, zoom: float) -> None:
    matrix = dense(coarse_taps(size, zoom), size)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-6)
    assert matrix.min() >= 0.0
    np.testing.assert_allclose(dense(coarse_taps(size, 1.0), size), np.eye(size), atol=1e-6)


@settings(deadline=None, max_examples=25)
@given(size=st.integers(1, 30), control=st.floats(1.0, 15.0))
def test_spline_values_have_unit_variance_everywhere(size: int, control: float) -> None:
    taps = bspline_taps(size, control)
    matrix = dense(taps, int(taps.indices.max()) + 1)
    np.testing.assert_allclose((matrix**2).sum(axis=1), 1.0, atol=1e-5)
    assert (matrix >= 0.0).all()


def test_spline_is_the_cubic_b_spline_at_a_control_point() -> None:
    weights = bspline_taps(1, 4.0).weights[:, 0]
    torch.testing.assert_close(weights, torch.tensor([1.0, 4.0, 1.0, 0.0]) / 18**0.5)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    image = torch.randn(1, 48, 48, 48, generator=torch.Generator().manual_seed(0))
    taps = tuple(gaussian_taps(48, 1.0) for _ in range(3))
    before = torch.get_num_threads()
    whole = apply_taps(image, taps)
    try:
        torch.set_num_threads(threads)
        assert torch.equal(apply_taps(image, taps), whole)
    finally:
        torch.set_num_threads(before)
