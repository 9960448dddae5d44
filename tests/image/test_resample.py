from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from univox.errors import LabelError, ShapeError
from univox.image import resample, resample_label, resampled_shape

sizes = st.integers(1, 12)
shapes_3d = st.tuples(sizes, sizes, sizes)
shapes_2d = st.tuples(sizes, sizes)
orders = st.sampled_from([0, 1, 3])
law = settings(deadline=None, max_examples=40)


def zoomed(array, shape, order):
    factors = [new / old for new, old in zip(shape, array.shape, strict=True)]
    return ndimage.zoom(array, factors, order=order, mode="nearest", grid_mode=True)


@law
@given(old=shapes_3d, new=shapes_3d, order=orders, seed=st.integers(0, 99))
def test_it_is_what_scipy_gives_in_3d(old, new, order, seed):
    array = np.random.default_rng(seed).normal(size=old).astype(np.float32)
    expected = zoomed(array.astype(np.float64), new, order)
    assert expected.shape == new
    result = resample(array, new, order=order)
    assert result.dtype == np.float32
    assert np.allclose(result, expected, rtol=1e-5, atol=1e-5)


@law
@given(old=shapes_2d, new=shapes_2d, order=orders, channels=st.integers(1, 3), seed=st.integers(0, 99))
def test_each_channel_is_what_scipy_gives_in_2d(old, new, order, channels, seed):
    array = np.random.default_rng(seed).normal(size=(channels, *old))
    expected = np.stack([zoomed(channel, new, order) for channel in array])
    assert np.allclose(resample(array, new, order=order), expected, rtol=1e-5, atol=1e-5)


def test_a_long_axis_is_what_scipy_gives():
    array = np.random.default_rng(0).normal(size=(300, 2))
    assert np.allclose(resample(array, (211, 2), order=3), zoomed(array, (211, 2), 3), rtol=1e-5, atol=1e-5)


@law
@given(old=shapes_3d, new=shapes_3d, order=orders, value=st.floats(-1000, 1000))
def test_a_constant_stays(old, new, order, value):
    assert np.allclose(resample(np.full(old, value), new, order=order), value, rtol=1e-5, atol=1e-5)


@law
@given(old=st.integers(8, 30), new=st.integers(8, 30))
def test_a_linear_ramp_stays_one_inside(old, new):
    places = (np.arange(new) + 0.5) * old / new - 0.5  # voxel centers over the same extent
    inside = (places >= 0) & (places <= old - 1)
    linear = resample(np.arange(old)[:, None], (new, 1), order=1)[:, 0]
    assert np.allclose(linear[inside], places[inside], atol=1e-4)


@given(shape=shapes_3d, order=orders)
def test_the_same_shape_returns_the_array(shape, order):
    array = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    assert resample(array, shape, order=order) is array


def test_no_weight_is_so_small_that_it_slows_the_processor():
    impulse = np.zeros((200, 2), np.float32)
    impulse[0] = 1
    spread = resample(impulse, (150, 2), order=3)
    assert np.abs(spread[spread != 0]).min() > np.finfo(np.float32).tiny


@pytest.mark.parametrize(
    ("array", "shape", "order"),
    [
        ((4, 4), (4,) * 4, 1),
        ((2, 2, 4, 4), (4, 4), 1),
        ((4, 4), (4, 0), 1),
        ((4, 4), (5, 5), 2),
        ((0, 4), (5, 5), 1),
        ((4,), (), 1),
    ],
)
def test_what_does_not_fit_is_refused(array, shape, order):
    with pytest.raises(ShapeError):
        resample(np.zeros(array), shape, order=order)


def brute_force(label, shape, num_classes):
    """Every class interpolated by scipy in double precision; ties, up to rounding, to the lower class."""
    shares = np.stack([zoomed((label == index).astype(float), shape, 1) for index in range(num_classes)])
    return np.argmax(shares > shares.max(axis=0) - 1e-5, axis=0)


@law
@given(old=shapes_3d, new=shapes_3d, seed=st.integers(0, 999), num_classes=st.integers(2, 6))
def test_a_label_is_the_class_with_the_largest_share(old, new, seed, num_classes):
    label = np.random.default_rng(seed).integers(0, num_classes, old).astype(np.uint8)
    result = resample_label(label, new, num_classes)
    assert result.dtype == np.uint8
    assert np.array_equal(result, brute_force(label, new, num_classes))


@law
@given(old=shapes_2d, new=shapes_2d, seed=st.integers(0, 999))
def test_no_class_appears_from_nowhere(old, new, seed):
    label = np.random.default_rng(seed).choice([0, 3, 7], old)
    assert set(np.unique(resample_label(label, new, 8))) <= set(np.unique(label))


def test_the_same_shape_returns_the_label():
    label = np.random.default_rng(0).integers(0, 3, (4, 5, 6))
    assert resample_label(label, (4, 5, 6), 3) is label


def test_doubling_keeps_halves():
    label = np.array([[0, 0, 1, 1]])
    assert resample_label(label, (1, 8), 2).tolist() == [[0, 0, 0, 0, 1, 1, 1, 1]]
    assert resample_label(np.full((2, 2), 4), (3, 5), 5).tolist() == [[4] * 5] * 3


def test_a_tie_goes_to_the_lower_class():
    assert resample_label(np.array([[2, 1], [2, 1]]), (1, 1), 3).tolist() == [[1]]


@pytest.mark.parametrize(("values", "words"), [([0, 3], "classes 0 to 2, got 3"), ([-1, 0], "got -1")])
def test_undeclared_classes_are_refused(values, words):
    with pytest.raises(LabelError, match=words):
        resample_label(np.array([values]), (2, 2), 3)
    with pytest.raises(ShapeError, match="2 axes"):
        resample_label(np.zeros((1, 2, 2), int), (3, 3), 3)


@given(st.tuples(*[st.integers(1, 500)] * 3), st.tuples(*[st.floats(0.1, 10)] * 3))
def test_the_same_spacing_keeps_the_shape(shape, spacing):
    assert resampled_shape(shape, spacing, spacing) == shape


def test_the_extent_is_kept_to_half_a_voxel():
    assert resampled_shape((10, 64, 3), (5.0, 0.5, 1.0), (2.5, 0.7, 100.0)) == (20, 46, 1)
