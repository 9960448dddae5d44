"""From the prepared grid back to the image's: labels, probabilities and their entropy tell the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.data.crop import box_slices
from univox.data.preprocess import CaseGeometry
from univox.data.restore import (
    restore_all_probabilities,
    restore_entropy,
    restore_label,
    restore_probabilities,
)
from univox.errors import ShapeError
from univox.metrics import normalized_entropy, tempered

GEOMETRIES = {
    "cropped": CaseGeometry((6, 9, 5), ((1, 5), (0, 7), (2, 5)), (4, 7, 3), (1.0, 1.0, 1.0)),
    "coarser": CaseGeometry((6, 9, 5), ((1, 5), (0, 7), (2, 5)), (3, 4, 2), (1.3, 1.75, 1.5)),
    "finer": CaseGeometry((6, 9), ((1, 5), (2, 9)), (9, 8), (0.4, 0.9)),
}


def drawn(geometry: CaseGeometry, seed: int, classes: int = 4) -> np.ndarray:
    found = np.random.default_rng(seed).dirichlet(np.full(classes, 0.5), geometry.prepared_shape)
    return np.ascontiguousarray(np.moveaxis(found, -1, 0)).astype(np.float32)


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=15)
def test_class_by_class_is_the_arg_max_of_all(geometry: CaseGeometry, seed: int) -> None:
    probabilities = drawn(geometry, seed)
    everything = restore_all_probabilities(probabilities, geometry)
    label = restore_probabilities(probabilities, geometry)
    np.testing.assert_array_equal(label, everything.argmax(axis=0))
    np.testing.assert_allclose(everything.sum(axis=0), 1, atol=1e-5)
    outside = np.ones(geometry.full_shape, dtype=bool)
    outside[box_slices(geometry.box)] = False
    assert (everything[0][outside] == 1).all()
    assert (label[outside] == 0).all()


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
@given(seed=st.integers(0, 10_000), temperature=st.sampled_from([0.5, 1.0, 2.5]))
@settings(deadline=None, max_examples=15)
def test_entropy_is_that_of_all_probabilities(geometry: CaseGeometry, seed: int, temperature: float) -> None:
    probabilities = drawn(geometry, seed)
    everything = restore_all_probabilities(probabilities, geometry, temperature=temperature)
    found = restore_entropy(probabilities, geometry, temperature=temperature)
    np.testing.assert_allclose(found, normalized_entropy(everything), atol=2e-5)
    outside = np.ones(geometry.full_shape, dtype=bool)
    outside[box_slices(geometry.box)] = False
    assert not found[outside].any()


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("temperature", [0.4, 3.0])
def test_a_temperature_comes_after_resampling_and_changes_no_label(geometry: CaseGeometry, temperature: float) -> None:
    probabilities = drawn(geometry, 3)
    inside = (slice(None), *box_slices(geometry.box))
    plain = restore_all_probabilities(probabilities, geometry)
    warm = restore_all_probabilities(probabilities, geometry, temperature=temperature)
    np.testing.assert_allclose(warm[inside], tempered(plain[inside], temperature), atol=1e-6)
    np.testing.assert_array_equal(warm.argmax(0), restore_probabilities(probabilities, geometry))


def test_between_two_sure_voxels_of_different_classes_lies_an_unsure_one() -> None:
    geometry = CaseGeometry((1, 3), ((0, 1), (0, 3)), (1, 2), (1.0, 1.5))
    sure = np.array([[[1, 0]], [[0, 1]]], dtype=np.float32)
    np.testing.assert_allclose(restore_entropy(sure, geometry), [[0, 1, 0]], atol=1e-6)


def test_the_lower_class_wins_a_tie() -> None:
    geometry = CaseGeometry((2, 2), ((0, 2), (0, 1)), (2, 1), (1.0, 1.0))
    probabilities = np.array([[[0.2], [0.4]], [[0.4], [0.4]], [[0.4], [0.2]]], dtype=np.float32)
    assert restore_probabilities(probabilities, geometry).tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize(("num_classes", "dtype"), [(2, np.uint8), (256, np.uint8), (257, np.uint16)])
def test_a_label_is_as_narrow_as_its_classes_allow(num_classes: int, dtype: type) -> None:
    geometry = CaseGeometry((2, 2), ((0, 2), (0, 2)), (2, 2), (1.0, 1.0))
    probabilities = np.zeros((num_classes, 2, 2), dtype=np.float32)
    probabilities[-1, 1, 1] = 1
    label = restore_probabilities(probabilities, geometry)
    assert label.dtype == dtype
    assert label.tolist() == [[0, 0], [0, num_classes - 1]]


@pytest.mark.parametrize("restore", [restore_probabilities, restore_all_probabilities, restore_entropy])
def test_arrays_on_another_grid_are_refused(restore: Callable[..., np.ndarray]) -> None:
    geometry = CaseGeometry((4, 4), ((0, 4), (1, 3)), (4, 2), (1.0, 1.0))
    with pytest.raises(ShapeError, match="prepared grid"):
        restore(np.zeros((2, 4, 4), dtype=np.float32), geometry)
    with pytest.raises(ShapeError, match="prepared grid"):
        restore_label(np.zeros((4, 4), dtype=int), geometry, 2)
