from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.standardize import moments, standardize
from univox.errors import ShapeError


def test_hand_worked_values() -> None:
    # Mean 2, population deviation 2; 4 voxels give a floor of 1/2.
    image = torch.tensor([[[0.0, 4.0], [0.0, 4.0]]])
    assert standardize(image, spatial_dims=2).flatten().tolist() == [-1.0, 1.0, -1.0, 1.0]
    # Deviation 0.1 lies below the floor of 1/2, which divides instead.
    faint = torch.tensor([[[0.0, 0.2], [0.0, 0.2]]])
    torch.testing.assert_close(standardize(faint, spatial_dims=2).flatten(), torch.tensor([-0.2, 0.2] * 2))


def test_constant_patches_become_zero() -> None:
    assert standardize(torch.full((2, 1, 4, 4, 4), 1000.0)).abs().max() == 0.0


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 999), dims=st.integers(1, 3), scale=st.floats(1.0, 1e3), shift=st.floats(-1e3, 1e3))
def test_each_patch_and_channel_by_itself(seed: int, dims: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    image = (rng.standard_normal((3, 2, *(5, 6, 7)[:dims])) * scale + shift).astype(np.float32)
    axes = tuple(range(2, 2 + dims))
    wide = image.astype(np.float64)
    floor = 1.0 / math.sqrt(math.prod(image.shape[2:]))
    expected = (wide - wide.mean(axes, keepdims=True)) / np.maximum(wide.std(axes, keepdims=True), floor)
    np.testing.assert_allclose(standardize(torch.from_numpy(image)), expected, atol=5e-3)


@pytest.mark.parametrize("shape", [(32, 48, 40), (1, 200, 200), (200, 1, 200), (250, 1, 250)])
def test_the_same_bits_alone_in_a_batch_and_on_any_number_of_threads(shape: tuple[int, ...]) -> None:
    image = torch.randn(3, 2, *shape, generator=torch.Generator().manual_seed(0)) * 50 + 7
    whole = standardize(image)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            assert torch.equal(standardize(image), whole)
            assert torch.equal(standardize(image[1:2]), whole[1:2])
            assert torch.equal(standardize(image[2:, 1:]), whole[2:, 1:])
            assert torch.equal(standardize(image[2, 1], spatial_dims=3), whole[2, 1])
    finally:
        torch.set_num_threads(before)


def test_moments_are_numpys() -> None:
    image = np.random.default_rng(0).standard_normal((2, 5, 6)).astype(np.float32)
    mean, deviation = moments(torch.from_numpy(image), spatial_dims=2)
    np.testing.assert_allclose(mean, image.mean((1, 2), keepdims=True), atol=1e-6)
    np.testing.assert_allclose(deviation, image.std((1, 2), keepdims=True), rtol=1e-5)


def test_a_tensor_without_spatial_axes_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"shape \(2, 3\) with 0 spatial axes"):
        standardize(torch.zeros(2, 3))
