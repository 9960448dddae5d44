from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.crop import box_slices, crop_box


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.02, 0.2]), dims=st.sampled_from([2, 3]))
def test_box_is_the_smallest_that_loses_nothing(seed: int, share: float, dims: int) -> None:
    rng = np.random.default_rng(seed)
    array = rng.normal(size=(2, *rng.integers(1, 9, dims))) * (rng.random((2, *([1] * dims))) < 2)
    array = array * (rng.random(array.shape) < share)
    points = np.argwhere((array != 0).any(axis=0))
    box = crop_box(array, "nonzero")
    if len(points) == 0:
        assert box == tuple((0, size) for size in array.shape[1:])
    else:
        low, high = points.min(axis=0), points.max(axis=0) + 1
        assert box == tuple(zip(low.tolist(), high.tolist(), strict=True))
        assert np.count_nonzero(array[(slice(None), *box_slices(box))]) == np.count_nonzero(array)


def test_the_first_channel_alone_may_decide() -> None:
    array = np.zeros((2, 4, 5))
    array[0, 1, 2] = -3
    array[1, 3, 4] = 1
    assert crop_box(array, "nonzero-first-channel") == ((1, 2), (2, 3))
    assert crop_box(array, "nonzero") == ((1, 4), (2, 5))
    assert crop_box(array, "none") == ((0, 4), (0, 5))


@pytest.mark.parametrize("crop", ["nonzero", "nonzero-first-channel", "none"])
def test_an_image_of_zeros_is_kept_whole(crop) -> None:
    assert crop_box(np.zeros((1, 3, 4, 5)), crop) == ((0, 3), (0, 4), (0, 5))
