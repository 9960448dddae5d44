from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from univox.errors import LabelError, ShapeError
from univox.losses.border_weights import balance, border_term, border_weights, components

LAWS = settings(deadline=None, max_examples=25)


def reference(
    instances: np.ndarray, w0: float = 10.0, sigma: float = 5.0, spacing: tuple[float, ...] | None = None
) -> np.ndarray:
    """The formula voxel by voxel, from the distances to every voxel of every cell."""
    edges = np.array(spacing or (1.0,) * instances.ndim)
    term = np.zeros(instances.shape)
    cells = [np.argwhere(instances == number) * edges for number in np.unique(instances) if number != 0]
    for index in np.argwhere(instances == 0):
        distances = sorted(np.sqrt(((cell - index * edges) ** 2).sum(1)).min() for cell in cells)
        if len(distances) > 1:
            term[tuple(index)] = w0 * math.exp(-((distances[0] + distances[1]) ** 2) / (2 * sigma**2))
    return term


def gap(width: int) -> np.ndarray:
    """Two cells of two voxels with a gap between them."""
    return np.array([1, 1, *[0] * width, 2, 2])


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        (1, 1, 9.231163463866357),
        (1, 2, 8.35270211411272),
        (2, 3, 6.065306597126334),
        (5, 5, 1.353352832366127),
    ],
)
def test_worked_values(dims: int, first: int, second: int, value: float) -> None:
    line = gap(first + second - 1)
    instances = np.broadcast_to(line.reshape(-1, *[1] * (dims - 1)), (line.size, *[3] * (dims - 1)))
    at = (1 + first, *[1] * (dims - 1))
    assert border_term(instances)[at] == pytest.approx(value, rel=1e-14)


def test_it_is_a_product_and_not_a_sum() -> None:
    # Far from both cells nothing is left; with a plus, w0 would be.
    assert border_term(gap(200))[100] == 0


instance_maps = st.sampled_from([(9,), (5, 6), (3, 4, 3)]).flatmap(
    lambda shape: arrays.arrays(np.int64, shape, elements=st.sampled_from([0, 0, 0, 0, 1, 2, 5]))
)


@LAWS
@given(instances=instance_maps, sigma=st.sampled_from([0.2, 0.5, 5.0]), anisotropic=st.booleans())
def test_it_is_the_formula_voxel_by_voxel(instances: np.ndarray, sigma: float, anisotropic: bool) -> None:
    """A small sigma reaches less far than the map, so that cells are measured within a part of it."""
    spacing = (2.5, 1.0, 0.7)[: instances.ndim] if anisotropic else None
    term = border_term(instances, w0=7.0, sigma=sigma, spacing=spacing)
    wanted = reference(instances, 7.0, sigma, spacing)
    np.testing.assert_allclose(term, wanted, rtol=1e-12, atol=7 * 2.0**-53)


def test_many_cells() -> None:
    rng = np.random.default_rng(0)
    instances = np.where(rng.random((24, 24)) < 0.15, rng.permutation(24 * 24).reshape(24, 24) + 1, 0)
    np.testing.assert_allclose(border_term(instances, sigma=1.0), reference(instances, sigma=1.0), atol=1e-14)


@pytest.mark.parametrize("instances", [np.zeros((4, 5), int), np.eye(5, dtype=int), np.full((3, 3), 2)])
def test_fewer_than_two_cells_leave_no_gap(instances: np.ndarray) -> None:
    assert not border_term(instances).any()


@LAWS
@given(instances=instance_maps)
def test_the_numbers_of_cells_do_not_matter(instances: np.ndarray) -> None:
    names = np.array([0, 70, 2**40, 0, 0, 3])
    np.testing.assert_array_equal(border_term(names[instances]), border_term(instances))


@LAWS
@given(instances=instance_maps, axis=st.integers(0, 2))
def test_it_turns_with_the_map(instances: np.ndarray, axis: int) -> None:
    axis = axis % instances.ndim
    np.testing.assert_array_equal(border_term(np.flip(instances, axis)), np.flip(border_term(instances), axis))


def test_components_are_joined_by_faces_and_classes_are_apart() -> None:
    label = np.array([[1, 0, 1, 1], [0, 1, 0, 2], [9, 9, 1, 2]])
    numbers = components(label, ignore_index=9)
    np.testing.assert_array_equal(numbers != 0, (label != 0) & (label != 9))
    cells = [{(0, 0)}, {(0, 2), (0, 3)}, {(1, 1)}, {(2, 2)}, {(1, 3), (2, 3)}]
    found = [set(map(tuple, np.argwhere(numbers == n).tolist())) for n in range(1, numbers.max() + 1)]
    assert found == cells


@LAWS
@given(label=arrays.arrays(np.int64, (4, 5), elements=st.integers(0, 3)), ignore=st.sampled_from([None, 0, 2]))
def test_balanced_classes_weigh_the_same_and_the_mean_is_one(label: np.ndarray, ignore: int | None) -> None:
    weights = balance(label, ignore_index=ignore)
    counted = label != ignore
    assert not weights[~counted].any()
    if counted.any():
        assert weights[counted].mean() == pytest.approx(1)
        sums = [weights[label == index].sum() for index in np.unique(label[counted])]
        assert sums == pytest.approx([sums[0]] * len(sums))


def test_the_map_is_the_sum_of_its_terms() -> None:
    label = np.array([[0, 0, 0, 0, 0, 0], [1, 1, 0, 1, 0, 2], [9, 9, 0, 0, 0, 2]])
    wanted = border_term(components(label, ignore_index=9)) + balance(label, ignore_index=9)
    wanted[2, :2] = 0
    np.testing.assert_array_equal(border_weights(label, ignore_index=9), wanted)
    assert wanted[1, 2] == pytest.approx(9.231163463866357 + 16 / (3 * 11))
    fixed = border_weights(label, w0=0.0, class_weights=(1.0, 2.0, 3.0), ignore_index=9)
    np.testing.assert_array_equal(fixed, np.select([label == 0, label == 1, label == 2], [1.0, 2.0, 3.0], 0.0))


def test_instances_part_cells_that_touch() -> None:
    label = np.array([[1, 1, 1, 0]])
    one = border_weights(label, class_weights=(1.0, 1.0))
    two = border_weights(label, instances=np.array([[4, 4, 7, 0]]), class_weights=(1.0, 1.0))
    np.testing.assert_array_equal(one, np.ones((1, 4)))
    np.testing.assert_allclose(two, [[1, 1, 1, 1 + 10 * math.exp(-9 / 50)]])


def test_slips_are_named() -> None:
    label = np.array([[0, 1, 2]])
    with pytest.raises(LabelError, match="classes 0 to 1, one per weight, got 2"):
        border_weights(label, class_weights=(1.0, 1.0))
    with pytest.raises(LabelError, match="numbered from 1, background 0, got -1"):
        border_term(np.array([0, -1]))
    with pytest.raises(ShapeError, match=r"instances of shape \(1, 3\), got \(3,\)"):
        border_weights(label, instances=label[0])
    with pytest.raises(ShapeError, match="2 spacing values, got 3"):
        border_weights(label, spacing=(1.0, 1.0, 1.0))
