"""Surface distances against shapes whose answer is known by hand, all pairs, and their laws."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from univox.errors import ShapeError
from univox.metrics import surface

spacings = st.sampled_from([0.5, 0.7, 1.0, 2.5, 6.0])


@st.composite
def mask_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=6))
    label, prediction = (draw(hnp.arrays(bool, shape)) for _ in range(2))
    return label, prediction, tuple(draw(spacings) for _ in shape)


def boundary_by_hand(mask: np.ndarray) -> list[tuple[int, ...]]:
    marked = {tuple(int(i) for i in index) for index in np.argwhere(mask)}

    def neighbors(index: tuple[int, ...]) -> list[tuple[int, ...]]:
        return [(*index[:axis], index[axis] + way, *index[axis + 1 :]) for axis in range(mask.ndim) for way in (-1, 1)]

    return sorted(index for index in marked if any(other not in marked for other in neighbors(index)))


def all_pairs(label: np.ndarray, prediction: np.ndarray, spacing_mm: tuple[float, ...]) -> list[list[float]]:
    here, there = boundary_by_hand(label), boundary_by_hand(prediction)
    scaled = [[np.multiply(index, spacing_mm) for index in side] for side in (here, there)]
    return [
        [min((math.dist(point, other) for other in others), default=math.inf) for point in points]
        for points, others in (scaled, scaled[::-1])
    ]


def ranked(distances: list[float], percent: float) -> float:
    rank = (len(distances) - 1) * percent / 100
    below, above = sorted(distances)[math.floor(rank)], sorted(distances)[math.ceil(rank)]
    return below + (above - below) * (rank - math.floor(rank))


def single(shape: tuple[int, ...], *indices: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for index in indices:
        mask[index] = True
    return mask


def test_two_voxels_two_millimeters_apart() -> None:
    label, prediction = single((5, 5, 5), (2, 2, 1)), single((5, 5, 5), (2, 2, 3))
    unit = (1.0, 1.0, 1.0)
    assert surface.hausdorff(label, prediction, spacing_mm=unit) == 2.0
    assert surface.hausdorff(label, prediction, spacing_mm=unit, percent=100.0) == 2.0
    assert surface.average_symmetric_surface_distance(label, prediction, spacing_mm=unit) == 2.0
    assert surface.surface_dice(label, prediction, spacing_mm=unit, tolerance_mm=2.0) == 1.0
    assert surface.surface_dice(label, prediction, spacing_mm=unit, tolerance_mm=1.9) == 0.0
    assert surface.hausdorff(label, prediction, spacing_mm=(9.0, 9.0, 0.25)) == 0.5


def test_a_diagonal_neighbor_with_anisotropic_spacing() -> None:
    label, prediction = single((3, 3, 3), (0, 0, 0)), single((3, 3, 3), (1, 1, 1))
    assert surface.hausdorff(label, prediction, spacing_mm=(2.0, 3.0, 6.0)) == 7.0


def test_a_cube_moved_by_two_voxels() -> None:
    # A cube of 3 has 26 boundary voxels. Moved by 2 along H (3 mm each): the far face of 9 is 6 mm away, the
    # middle ring of 8 is 3 mm away (its outer voxels; the cube's center is no boundary), the shared face's
    # 9 coincide. Percentile 95 of 26 values: rank 23.75, inside the nine 6s.
    label, prediction = np.zeros((9, 9, 9), bool), np.zeros((9, 9, 9), bool)
    label[3:6, 2:5, 3:6] = True
    prediction[3:6, 4:7, 3:6] = True
    distances = surface.surface_distances(label, prediction, spacing_mm=(10.0, 3.0, 10.0))
    values, numbers = np.unique(distances.from_label, return_counts=True)
    assert values.tolist() == [0.0, 3.0, 6.0]
    assert numbers.tolist() == [9, 8, 9]
    assert distances.hausdorff() == 6.0
    assert distances.average_symmetric() == (8 * 3 + 9 * 6) / 26
    assert distances.dice(3.0) == 17 / 26


def test_the_larger_direction_counts() -> None:
    # Every voxel of the short line lies on the long one; the long one's end is 6 pixels from the short one.
    label, prediction = np.zeros((1, 10), bool), np.zeros((1, 10), bool)
    label[0, :4] = True
    prediction[0, :] = True
    for pair in ((label, prediction), (prediction, label)):
        assert surface.hausdorff(*pair, spacing_mm=(1.0, 1.0), percent=100.0) == 6.0
        # Distances 0 0 0 0 1 2 3 4 5 6: rank 0.95 * 9 = 8.55 lies between 5 and 6.
        assert surface.hausdorff(*pair, spacing_mm=(1.0, 1.0)) == pytest.approx(5.55, rel=1e-14)


def test_empty_rules() -> None:
    nothing, something = np.zeros((4, 4), bool), single((4, 4), (1, 1), (2, 2))
    both = surface.surface_distances(nothing, nothing, spacing_mm=(1.0, 1.0))
    assert both.both_empty
    assert not both.one_empty
    assert math.isnan(both.hausdorff())
    assert math.isnan(both.average_symmetric())
    assert math.isnan(both.dice(1.0))
    for pair in ((nothing, something), (something, nothing)):
        one = surface.surface_distances(*pair, spacing_mm=(1.0, 1.0))
        assert one.one_empty
        assert one.hausdorff() == one.hausdorff(100.0) == one.average_symmetric() == math.inf
        assert one.dice(1000.0) == 0.0


@given(mask_pairs())
@settings(deadline=None, max_examples=40)
def test_equal_to_all_pairs(case: tuple[np.ndarray, np.ndarray, tuple[float, ...]]) -> None:
    label, prediction, spacing_mm = case
    distances = surface.surface_distances(label, prediction, spacing_mm=spacing_mm)
    forth, back = all_pairs(label, prediction, spacing_mm)
    np.testing.assert_allclose(np.sort(distances.from_label), np.sort(forth), rtol=1e-12)
    np.testing.assert_allclose(np.sort(distances.from_prediction), np.sort(back), rtol=1e-12)
    if forth and back:
        for percent in (50.0, 95.0, 100.0):
            expected = max(ranked(forth, percent), ranked(back, percent))
            assert distances.hausdorff(percent) == pytest.approx(expected, rel=1e-12)
        assert distances.average_symmetric() == pytest.approx(float(np.mean(forth + back)), rel=1e-12)


@given(mask_pairs())
@settings(deadline=None, max_examples=25)
def test_laws(case: tuple[np.ndarray, np.ndarray, tuple[float, ...]]) -> None:
    label, prediction, spacing_mm = case
    value = surface.hausdorff(label, prediction, spacing_mm=spacing_mm)
    np.testing.assert_equal(surface.hausdorff(prediction, label, spacing_mm=spacing_mm), value)
    for order in itertools.permutations(range(label.ndim)):
        turned = (np.flip(mask.transpose(order), axis=0) for mask in (label, prediction))
        spacing = tuple(spacing_mm[axis] for axis in order)
        np.testing.assert_allclose(surface.hausdorff(*turned, spacing_mm=spacing), value, rtol=1e-12)
    doubled = tuple(2 * edge for edge in spacing_mm)
    np.testing.assert_equal(surface.hausdorff(label, prediction, spacing_mm=doubled), 2 * value)
    padded = (np.pad(mask, 3) for mask in (label, prediction))
    np.testing.assert_equal(surface.hausdorff(*padded, spacing_mm=spacing_mm), value)
    if label.any():
        itself = surface.surface_distances(label, label, spacing_mm=spacing_mm)
        assert itself.hausdorff(100.0) == itself.average_symmetric() == 0.0
        assert itself.dice(0.0) == 1.0


@given(hnp.arrays(bool, hnp.array_shapes(min_dims=1, max_dims=3, max_side=6)))
@settings(deadline=None, max_examples=25)
def test_boundary_by_definition(mask: np.ndarray) -> None:
    found = sorted(tuple(int(i) for i in index) for index in np.argwhere(surface.boundary(mask)))
    assert found == boundary_by_hand(mask)


def test_boxes_of_classes() -> None:
    label, prediction = np.zeros((6, 8), np.uint8), np.zeros((6, 8), np.uint8)
    label[1, 2], prediction[4, 1] = 1, 1
    prediction[0, 7] = 3
    boxes = surface.class_boxes(label, prediction, 5)
    assert boxes[0] == (slice(1, 5), slice(1, 3))
    assert boxes[2] == (slice(0, 1), slice(7, 8))
    assert label[boxes[1]].size == label[boxes[3]].size == 0


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "words"),
    [
        ((3, 4), (1.0, 1.0), r"shape \(3, 3\), got shape \(3, 4\)"),
        ((3, 3), (1.0, 1.0, 1.0), "2 positive spacing values"),
        ((3, 3), (1.0, 0.0), "2 positive spacing values"),
        ((3, 3), (1.0, math.nan), "2 positive spacing values"),
    ],
)
def test_bad_shapes_and_spacings(shape: tuple[int, ...], spacing_mm: tuple[float, ...], words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        surface.hausdorff(np.zeros((3, 3), bool), np.zeros(shape, bool), spacing_mm=spacing_mm)


def test_masks_must_be_boolean_and_percent_a_percentage() -> None:
    mask = np.ones((2, 2), bool)
    with pytest.raises(ShapeError, match="boolean masks, got dtypes bool and uint8"):
        surface.hausdorff(mask, mask.astype(np.uint8), spacing_mm=(1.0, 1.0))
    for percent in (0.0, 100.1):
        with pytest.raises(ValueError, match="percent"):
            surface.hausdorff(mask, mask, spacing_mm=(1.0, 1.0), percent=percent)
