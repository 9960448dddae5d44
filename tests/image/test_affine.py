from __future__ import annotations

import itertools

import numpy as np
import pytest
from axis_orders import all_orders, ras_affine, rotation
from hypothesis import given, settings
from hypothesis import strategies as st

from univox.errors import GeometryError
from univox.image.affine import (
    Orientation,
    affine_from_spacing,
    check_affine,
    itk_to_ras,
    orientation_of,
    ras_to_itk,
    snapped_affine,
    spacing_of,
    turned_affine,
)

orders = st.sampled_from(list(itertools.permutations(range(3))))
flips = st.tuples(st.booleans(), st.booleans(), st.booleans())


@given(order=orders, flip=flips, channels=st.booleans())
def test_a_turn_and_its_inverse_cancel(order, flip, channels):
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    array = array if channels else array[0]
    turn = Orientation(order, flip)
    assert np.array_equal(turn.to_stored(turn.to_canonical(array)), array)
    assert np.array_equal(turn.to_canonical(turn.to_stored(array)), array)
    assert turn.to_canonical(array).shape[-3:] == turn.shape_to_canonical(array.shape[-3:])


@given(order=orders, flip=flips, index=st.tuples(*[st.integers(0, size - 1) for size in (3, 4, 5)]))
def test_turned_affine_finds_each_voxel_where_it_was(order, flip, index):
    affine = ras_affine((1.5, 0.7, 3.0), (-5.0, 8.0, 2.0), rotation(0.1, -0.2, 0.3))
    turn = Orientation(order, flip)
    marked = np.zeros((3, 4, 5))
    marked[index] = 1
    (canonical_index,) = np.argwhere(turn.to_canonical(marked))
    turned = turned_affine(affine, (3, 4, 5), turn)
    assert np.allclose(turned @ [*canonical_index, 1], affine @ [*index, 1])


def test_ras_is_reversed_and_lps_is_reversed_and_flipped():
    assert orientation_of(np.eye(4)) == Orientation((2, 1, 0), (False, False, False))
    assert orientation_of(np.diag([-1.0, -1.0, 1.0, 1.0])) == Orientation((2, 1, 0), (False, True, True))


def test_canonical_axes_run_up_forward_and_right():
    posterior_superior_right = np.array([[0, 0, 2.0, 0], [-3.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 0, 1]])
    turn = orientation_of(posterior_superior_right)
    canonical = turned_affine(posterior_superior_right, (5, 6, 7), turn)
    assert np.array_equal(canonical[:3, :3], [[0, 0, 2], [0, 3, 0], [4, 0, 0]])
    assert canonical[1, 3] == -12  # the most posterior of five voxels of 3 mm


@settings(deadline=None, max_examples=25)
@given(
    angles=st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    spacing=st.tuples(*[st.integers(500, 5000).map(lambda edge: edge / 1000)] * 3),
    origin=st.tuples(*[st.integers(-30000, 30000).map(lambda place: place / 100)] * 3),
)
def test_every_order_and_flip_has_the_same_canonical_affine(angles, spacing, origin):
    affine = ras_affine(spacing, origin, rotation(*angles))
    found = set()
    for array, stored in all_orders(np.zeros((3, 4, 5)), affine):
        stored = stored.astype(np.float32).astype(np.float64)
        turned = turned_affine(stored, array.shape, orientation_of(stored))
        found.add((snapped_affine(turned).tobytes(), spacing_of(snapped_affine(turned))))
    assert len(found) == 1


def test_a_rotation_by_half_a_right_angle_is_still_one_case():
    affine = ras_affine((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), rotation(0, 0, np.pi / 4))
    array = np.arange(60).reshape(3, 4, 5)
    turned = {
        orientation_of(stored).to_canonical(stored_array).tobytes()
        for stored_array, stored in all_orders(array, affine)
    }
    assert len(turned) == 1


@given(st.lists(st.floats(-1000, 1000), min_size=3, max_size=3), st.floats(0.3, 5))
def test_snapping_moves_no_voxel_by_a_hundredth(origin, edge):
    affine = ras_affine((edge, edge, 2 * edge), tuple(origin), rotation(0.2, 0.1, -0.3))
    corner = np.array([200, 200, 200, 1])
    assert np.abs((snapped_affine(affine) - affine) @ corner).max() < 0.01 * edge
    assert np.array_equal(snapped_affine(snapped_affine(affine)), snapped_affine(affine))


def test_spacing_has_six_digits_whatever_the_size():
    assert spacing_of(np.diag([0.99999988, 0.000123456789, 1234567.0, 1.0])) == (1.0, 0.000123457, 1234570.0)


def test_affine_from_spacing_is_canonical():
    affine = affine_from_spacing((3.0, 2.0, 1.0))
    assert np.array_equal(affine @ [1, 0, 0, 1], [0, 0, 3, 1])
    assert np.array_equal(affine @ [0, 0, 1, 1], [1, 0, 0, 1])
    assert np.array_equal(affine_from_spacing((2.0, 1.0)), np.diag([2.0, 1.0, 1.0]))


@given(st.tuples(*[st.floats(-3, 3)] * 3), st.tuples(*[st.floats(0.1, 9)] * 3))
def test_itk_geometry_and_back(angles, spacing):
    affine = ras_affine(spacing, (1.0, -2.0, 3.0), rotation(*angles))
    assert np.allclose(itk_to_ras(*ras_to_itk(affine)), affine, atol=1e-12)


def test_itk_is_lps():
    affine = itk_to_ras((1, 2, 3), (1, 0, 0, 0, 1, 0, 0, 0, 1), (10, 20, 30))
    assert np.array_equal(affine, [[-1, 0, 0, -10], [0, -2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])


@pytest.mark.parametrize(
    ("affine", "words"),
    [
        (np.diag([1.0, np.nan, 1.0, 1.0]), "not finite"),
        (np.diag([1.0, np.inf, 1.0, 1.0]), "not finite"),
        (np.diag([1.0, 0.0, 1.0, 1.0]), "zero length"),
        (np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "coincide"),
    ],
)
def test_affines_that_map_nowhere_are_refused(affine, words):
    with pytest.raises(GeometryError, match=words) as caught:
        check_affine(affine, "scan.nii")
    assert "scan.nii" in str(caught.value)
