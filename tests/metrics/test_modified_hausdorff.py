"""MHD and 3D-MHD against hand-worked examples, all pairs of lines, and their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from univox.errors import ShapeError
from univox.metrics import modified_hausdorff

Example = tuple[np.ndarray, np.ndarray]


@st.composite
def mask_pairs(draw: st.DrawFn) -> Example:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=5))
    return draw(hnp.arrays(bool, shape)), draw(hnp.arrays(bool, shape))


def lines_by_hand(mask: np.ndarray, axis: int) -> list[list[bool]]:
    others = [range(size) for k, size in enumerate(mask.shape) if k != axis]
    lines = []
    for index in np.ndindex(*(len(other) for other in others)):
        place: list[int | slice] = list(index)
        place.insert(axis, slice(None))
        lines.append(mask[tuple(place)].tolist())
    return lines


def all_pairs(label: np.ndarray, prediction: np.ndarray, axis: int) -> tuple[float, float]:
    here, there = lines_by_hand(label, axis), lines_by_hand(prediction, axis)
    directions = [
        [min(math.sqrt(sum(p != q for p, q in zip(a, b, strict=True))) for b in others) for a in lines]
        for lines, others in ((here, there), (there, here))
    ]
    return math.fsum(directions[0]) / len(here), math.fsum(directions[1]) / len(there)


def marked(shape: tuple[int, ...], *indices: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for index in indices:
        mask[index] = True
    return mask


def opposite_corners() -> Example:
    return marked((2, 2, 2), (1, 1, 1)), marked((2, 2, 2), (0, 0, 0))


def nothing_and_a_corner() -> Example:
    return np.zeros((2, 2, 2), bool), marked((2, 2, 2), (0, 0, 0))


def nothing_and_everything() -> Example:
    return np.zeros((2, 2, 2), bool), np.ones((2, 2, 2), bool)


def nothing_and_nothing() -> Example:
    return np.zeros((2, 2, 2), bool), np.zeros((2, 2, 2), bool)


def few_voxels() -> Example:
    label = marked((2, 3, 4), (0, 0, 0), (0, 1, 1), (0, 1, 2), (1, 1, 2), (1, 2, 2))
    return label, marked((2, 3, 4), (0, 0, 0), (0, 0, 1), (0, 1, 1), (1, 2, 3))


def neighboring_planes() -> Example:
    label, prediction = np.zeros((3, 3, 3), bool), np.zeros((3, 3, 3), bool)
    label[1], prediction[0] = True, True
    return label, prediction


def scattered() -> Example:
    d, h, w = np.indices((3, 4, 5))
    return (7 * d + 5 * h + 3 * w) % 3 == 0, (7 * d + 5 * h + 3 * w) % 4 == 0


ROOT2 = 1.4142135623730951


@pytest.mark.parametrize(
    ("example", "from_prediction", "from_label", "mean"),
    [
        (opposite_corners(), (0.25, 0.25, 0.25), (0.25, 0.25, 0.25), 0.25),
        (nothing_and_a_corner(), (0.25, 0.25, 0.25), (0.0, 0.0, 0.0), 0.25),
        (nothing_and_everything(), (ROOT2, ROOT2, ROOT2), (ROOT2, ROOT2, ROOT2), ROOT2),
        (nothing_and_nothing(), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0),
        (few_voxels(), (0.0, 0.25, 0.5), (0.08333333333333333, 0.375, 0.6666666666666666), 0.375),
        (neighboring_planes(), (ROOT2, 0.0, 0.0), (ROOT2, 0.0, 0.0), 0.47140452079103173),
        (
            scattered(),
            (0.25, 0.4666666666666667, 1.1035533905932737),
            (0.0, 0.3333333333333333, 1.2440169358562925),
            0.6535612008409863,
        ),
    ],
)
def test_worked_examples(
    example: Example, from_prediction: tuple[float, ...], from_label: tuple[float, ...], mean: float
) -> None:
    label, prediction = example
    for axis in range(3):
        found = modified_hausdorff.line_distances(label, prediction, axis=axis)
        assert found.from_label == pytest.approx(from_label[axis], rel=1e-15, abs=0)
        assert found.from_prediction == pytest.approx(from_prediction[axis], rel=1e-15, abs=0)
        larger = max(from_label[axis], from_prediction[axis])
        assert modified_hausdorff.mhd(label, prediction, axis=axis) == pytest.approx(larger, rel=1e-15, abs=0)
    assert modified_hausdorff.mhd_3d(label, prediction) == pytest.approx(mean, rel=1e-15, abs=0)


@given(mask_pairs())
@settings(deadline=None, max_examples=60)
def test_equal_to_all_pairs(case: Example) -> None:
    label, prediction = case
    larger = []
    for axis in range(label.ndim):
        found = modified_hausdorff.line_distances(label, prediction, axis=axis)
        from_label, from_prediction = all_pairs(label, prediction, axis)
        assert found.from_label == pytest.approx(from_label, rel=1e-14, abs=0)
        assert found.from_prediction == pytest.approx(from_prediction, rel=1e-14, abs=0)
        larger.append(max(from_label, from_prediction))
    assert modified_hausdorff.mhd_3d(label, prediction) == pytest.approx(sum(larger) / len(larger), rel=1e-14, abs=0)


@given(mask_pairs())
@settings(deadline=None, max_examples=40)
def test_laws(case: Example) -> None:
    label, prediction = case
    for axis in range(label.ndim):
        value = modified_hausdorff.mhd(label, prediction, axis=axis)
        assert modified_hausdorff.mhd(prediction, label, axis=axis) == value
        assert modified_hausdorff.mhd(label, label, axis=axis) == 0.0
        # A mean of square roots rounds: it may pass its bound by the last digit.
        assert value <= math.sqrt(label.shape[axis]) * (1 + 1e-14)
        # Flipped along the lines, or inverted, both alike: every pair of lines stays as far apart.
        flipped = modified_hausdorff.mhd(np.flip(label, axis), np.flip(prediction, axis), axis=axis)
        assert flipped == pytest.approx(value, rel=1e-14, abs=0)
        assert modified_hausdorff.mhd(~label, ~prediction, axis=axis) == pytest.approx(value, rel=1e-14, abs=0)
        # One mask moved across the lines: the same set of lines.
        for across in set(range(label.ndim)) - {axis}:
            assert modified_hausdorff.mhd(np.roll(label, 1, across), prediction, axis=axis) == value


def test_lines_longer_than_a_word_and_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    label, prediction = random.random((2, 131, 6, 7)) < 0.3
    expected = all_pairs(label, prediction, 0)
    for pairs in (1, 100, 1 << 22):
        monkeypatch.setattr(modified_hausdorff, "PAIRS_PER_BLOCK", pairs)
        found = modified_hausdorff.line_distances(label, prediction, axis=0)
        assert (found.from_label, found.from_prediction) == pytest.approx(expected, rel=1e-14)


def test_repeated_lines_keep_their_weight() -> None:
    # Label: three lines 11 and one 00. Prediction: four lines 00. 3/4 sqrt 2 there, 0 back.
    label = np.array([[True, True], [True, True], [False, False], [True, True]])
    found = modified_hausdorff.line_distances(label, np.zeros((4, 2), bool), axis=1)
    assert found == modified_hausdorff.LineDistances(0.75 * math.sqrt(2), 0.0)


@pytest.mark.parametrize(
    ("label", "prediction", "axis", "words"),
    [
        (np.zeros((2, 3), bool), np.zeros((3, 2), bool), 0, r"shape \(2, 3\), got shape \(3, 2\)"),
        (np.zeros((2, 3), np.uint8), np.zeros((2, 3), bool), 0, "boolean masks, got dtypes uint8 and bool"),
        (np.zeros((0, 3), bool), np.zeros((0, 3), bool), 0, "at least one axis and one voxel"),
        (np.zeros((), bool), np.zeros((), bool), 0, "at least one axis and one voxel"),
        (np.zeros((2, 3), bool), np.zeros((2, 3), bool), 2, r"an axis 0\.\.1 of the masks, got axis 2"),
        (np.zeros((2, 3), bool), np.zeros((2, 3), bool), -1, r"an axis 0\.\.1"),
    ],
)
def test_bad_masks(label: np.ndarray, prediction: np.ndarray, axis: int, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        modified_hausdorff.mhd(label, prediction, axis=axis)
