"""Lesions found, missed and false: worked by hand, and the laws of matching by a shared voxel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from univox.errors import ShapeError
from univox.metrics.lesions import LesionMatch, match_lesions


@st.composite
def mask_pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=5))
    return draw(hnp.arrays(bool, shape)), draw(hnp.arrays(bool, shape))


def drawn(*rows: str) -> np.ndarray:
    return np.array([[letter == "x" for letter in row] for row in rows])


def test_one_found_in_two_pieces_one_missed_one_invented() -> None:
    label = drawn("xxxxx..", ".......", "x......", ".x.....")
    prediction = drawn("x...x..", "......x", ".......", ".......")
    found = match_lesions(label, prediction)
    assert found == LesionMatch(found=1, missed=1, right=2, false=1)
    assert (found.label, found.prediction) == (2, 3)
    assert (found.recall, found.precision) == (1 / 2, 2 / 3)
    assert found.f1 == pytest.approx(4 / 7)


def test_corners_join_and_touching_is_not_sharing() -> None:
    assert match_lesions(drawn("x.", ".x"), drawn("..", ".x")) == LesionMatch(1, 0, 1, 0)
    assert match_lesions(drawn("x.", ".."), drawn(".x", "..")) == LesionMatch(0, 1, 0, 1)
    cube = np.zeros((2, 2, 2), bool)
    cube[0, 0, 0] = cube[1, 1, 1] = True
    assert match_lesions(cube, cube) == LesionMatch(1, 0, 1, 0)


def test_one_blob_finds_everything() -> None:
    found = match_lesions(drawn("x.x.x"), drawn("xxxxx"))
    assert (found.recall, found.precision, found.f1) == (1.0, 1.0, 1.0)


def test_empty_rules() -> None:
    nothing, something = drawn("...."), drawn("x..x")
    both = match_lesions(nothing, nothing)
    assert all(math.isnan(value) for value in (both.recall, both.precision, both.f1))
    missed = match_lesions(something, nothing)
    assert (missed.missed, missed.recall, missed.f1) == (2, 0.0, 0.0)
    assert math.isnan(missed.precision)
    invented = match_lesions(nothing, something)
    assert (invented.false, invented.precision, invented.f1) == (2, 0.0, 0.0)
    assert math.isnan(invented.recall)
    assert match_lesions(something, ~something).f1 == 0.0


@given(mask_pairs())
@settings(deadline=None, max_examples=40)
def test_laws(pair: tuple[np.ndarray, np.ndarray]) -> None:
    label, prediction = pair
    there, back = match_lesions(label, prediction), match_lesions(prediction, label)
    assert (there.found, there.missed, there.right, there.false) == (back.right, back.false, back.found, back.missed)
    # Two ends of a match; and what one side loses, no larger prediction can lose.
    assert (there.found == 0) == (there.right == 0) == (not (label & prediction).any())
    assert match_lesions(label, prediction | label).missed == 0
    assert match_lesions(label, prediction & label).false == 0
    itself = match_lesions(label, label)
    assert (itself.missed, itself.false) == (0, 0)
    assert itself.f1 == 1.0 if label.any() else math.isnan(itself.f1)
    flipped = match_lesions(np.flip(label).T, np.flip(prediction).T)
    assert flipped == there


def test_bad_masks() -> None:
    with pytest.raises(ShapeError, match="boolean masks"):
        match_lesions(np.zeros((2, 2)), np.zeros((2, 2)))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match=r"shape \(2, 3\)"):
        match_lesions(np.zeros((2, 3), bool), np.zeros((3, 2), bool))
