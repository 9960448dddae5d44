"""What is done to label maps: laws that hold for any label, and answers worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from univox.errors import ModelError, ShapeError
from univox.inference.postprocessed import least_voxels, postprocessed
from univox.model.postprocessing import PostprocessingStep

NAMES = ("background", "a", "b", "c")
SPACING = (0.5, 2.0)


def step(name: str, kind: str, size: float | None = None) -> PostprocessingStep:
    return PostprocessingStep.model_validate({"class_name": name, "kind": kind, "size": size})


labels = arrays.arrays(
    np.uint8,
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9),
    elements=st.sampled_from([0, 0, 1, 1, 1, 2, 3]),
)
some_steps = st.lists(
    st.one_of(
        st.builds(step, st.sampled_from(NAMES[1:]), st.sampled_from(["largest", "fill"])),
        st.builds(step, st.sampled_from(NAMES[1:]), st.just("least_mm2"), st.sampled_from([1.5, 2.0, 3.0, 5.0])),
    ),
    max_size=5,
)


@given(labels, some_steps)
def test_twice_is_once_and_no_voxel_goes_from_class_to_class(label: np.ndarray, steps: list[Any]) -> None:
    before = label.copy()
    once = postprocessed(label, steps, NAMES, SPACING)
    np.testing.assert_array_equal(label, before)
    assert once.dtype == label.dtype
    np.testing.assert_array_equal(postprocessed(once, steps, NAMES, SPACING), once)
    changed = once != label
    # A voxel that changes becomes background, or was background (or removed) and is filled.
    removing = {NAMES.index(each.class_name) for each in steps if each.kind != "fill"}
    filling = {NAMES.index(each.class_name) for each in steps if each.kind == "fill"}
    assert set(label[changed].tolist()) <= removing | {0}
    assert set(once[changed].tolist()) <= filling | {0}
    if not filling:
        assert not once[changed].any()


@given(labels, some_steps)
def test_the_order_of_the_classes_makes_no_difference(label: np.ndarray, steps: list[Any]) -> None:
    one_each = list({(each.class_name, each.kind == "fill"): each for each in steps}.values())
    done = postprocessed(label, one_each, NAMES, SPACING)
    np.testing.assert_array_equal(postprocessed(label, one_each[::-1], NAMES, SPACING), done)


@given(labels, st.sampled_from([1.5, 2.0, 3.0, 5.0]))
def test_a_least_size_keeps_the_pieces_that_reach_it(label: np.ndarray, size: float) -> None:
    """Piece by piece, without the box and without the functions that the code under test uses."""
    expected = label.copy()
    numbered, pieces = ndimage.label(label == 2, np.ones((3, 3)))
    for piece in range(1, pieces + 1):
        where = numbered == piece
        if where.sum() * 0.5 * 2.0 < size:
            expected[where] = 0
    np.testing.assert_array_equal(postprocessed(label, [step("b", "least_mm2", size)], NAMES, SPACING), expected)


@pytest.mark.parametrize(
    ("spacing", "kept"),
    # Of 3 and 8 voxels, 0.02 mL = 20 mm3: at 2.5 mm3 a voxel eight are needed, at 7 mm3 three, at 2.4 mm3 nine.
    [((0.5, 1.0, 5.0), {8}), ((7.0, 1.0, 1.0), {3, 8}), ((1.0, 2.0, 1.2), set()), ((5.0, 0.5, 1.0), {8})],
)
def test_millilitres_on_anisotropic_grids(spacing: tuple[float, ...], kept: set[int]) -> None:
    label = np.zeros((4, 9, 5), np.uint8)
    label[0, 0, :3] = 1
    label[2:4, 5:7, 1:3] = 1
    done = postprocessed(label, [step("a", "least_ml", 0.02)], NAMES, spacing)
    sizes = np.bincount(ndimage.label(done, np.ones((3, 3, 3)))[0].ravel())[1:]
    assert set(sizes.tolist()) == kept


def test_a_size_that_rounding_just_misses_is_reached() -> None:
    # 0.001 * 7 / 1000 mL: neither number is a binary fraction; spacings come back with six digits.
    assert least_voxels(0.1 * 0.1 * 0.1 * 7 / 1000, (0.1, 0.1, 0.1)) == 7
    assert least_voxels(7e-6, (0.1000001, 0.0999999, 0.0999999)) == 7
    assert least_voxels(7.1e-6, (0.1, 0.1, 0.1)) == 8
    assert least_voxels(1e-9, (1.0, 1.0, 1.0)) == 1


def test_holes_are_filled_where_they_hold_background_alone() -> None:
    label = np.array(
        [
            [1, 1, 1, 1, 1, 1, 1],
            [1, 0, 1, 0, 2, 1, 0],
            [1, 1, 1, 0, 0, 1, 1],
            [1, 0, 1, 1, 1, 1, 1],
            [1, 1, 1, 0, 1, 1, 1],
        ],
        np.uint8,
    )
    expected = label.copy()
    expected[1, 1] = expected[3, 1] = 1  # not around the 2, and not what opens to the edge: (1, 6) and (4, 3)
    np.testing.assert_array_equal(postprocessed(label, [step("a", "fill")], NAMES, (1.0, 1.0)), expected)
    # Once the 2 is gone, its hole is one of background.
    expected[1, 3:5] = expected[2, 3:5] = 1
    steps = [step("a", "fill"), step("b", "least_mm2", 2.0)]
    np.testing.assert_array_equal(postprocessed(label, steps, NAMES, (1.0, 1.0)), expected)


def test_pieces_hang_together_across_corners_and_the_first_of_equals_stays() -> None:
    label = np.array([[1, 0, 0, 0, 1], [0, 1, 0, 1, 0], [0, 0, 0, 0, 0]], np.uint16)
    done = postprocessed(label, [step("a", "largest")], NAMES, (1.0, 1.0))
    assert done.tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert done.dtype == np.uint16


def test_what_does_not_fit_is_one_sentence() -> None:
    label = np.ones((2, 2), np.uint8)
    with pytest.raises(ModelError, match="classes a, b, c, got 'liver'"):
        postprocessed(label, [step("liver", "largest")], NAMES, SPACING)
    with pytest.raises(ModelError, match="got 'background'"):
        postprocessed(label, [step("background", "fill")], NAMES, SPACING)
    with pytest.raises(ModelError, match="a least size in mm2, as the image has 2 axes, got least_ml"):
        postprocessed(label, [step("a", "least_ml", 1.0)], NAMES, SPACING)
    with pytest.raises(ShapeError, match="one spacing per axis, 2, got 3"):
        postprocessed(label, [], NAMES, (1.0, 1.0, 1.0))
