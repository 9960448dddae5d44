"""Agreement of segments against hand-worked tables, all pairs of voxels, and their laws."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from univox.errors import LabelError, ShapeError
from univox.metrics import rand_error

Maps = tuple[np.ndarray, np.ndarray]


@st.composite
def segment_maps(draw: st.DrawFn) -> Maps:
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    drawn = hnp.arrays(np.int64, shape, elements=st.integers(0, 4))
    return draw(drawn), draw(drawn)


def counted_voxels(label: np.ndarray, prediction: np.ndarray) -> list[tuple[int, int]]:
    """Voxels of the label's segments; each of no predicted segment has a name of its own, below 0."""
    pairs = zip(label.ravel().tolist(), prediction.ravel().tolist(), strict=True)
    return [(a, b or -n) for n, (a, b) in enumerate(pairs, start=1) if a]


def entropy_by_hand(names: list[object]) -> float:
    return -math.fsum(n / len(names) * math.log2(n / len(names)) for n in Counter(names).values())


def test_hand_worked_table() -> None:
    # Five voxels count. Label: 3 and 2. Prediction: 2, 2 and one alone. Pieces: 2, 1, 1, 1.
    found = rand_error.segment_agreement(np.array([1, 1, 1, 2, 2, 0]), np.array([7, 7, 9, 9, 0, 3]))
    assert (found.pairs_label, found.pairs_prediction, found.pairs_both) == (9 + 4, 4 + 4 + 1, 4 + 1 + 1 + 1)
    assert found.rand_split == 7 / 13
    assert found.rand_merge == 7 / 9
    assert found.adapted_rand_error == pytest.approx(4 / 11, rel=1e-15)


def test_one_cell_split_and_two_cells_merged() -> None:
    halves, whole = np.array([[1, 1, 2, 2]]), np.array([[3, 3, 3, 3]])
    split = rand_error.segment_agreement(whole, halves)
    assert (split.rand_split, split.rand_merge) == (0.5, 1.0)
    assert (split.information_split, split.information_merge, split.variation_of_information) == (1.0, 0.0, 1.0)
    merged = rand_error.segment_agreement(halves, whole)
    assert (merged.rand_split, merged.rand_merge) == (1.0, 0.5)
    assert (merged.information_split, merged.information_merge, merged.information_error) == (0.0, 1.0, 1.0)
    assert split.adapted_rand_error == merged.adapted_rand_error == pytest.approx(1 / 3, rel=1e-15)
    crossed = rand_error.segment_agreement(np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2]))
    assert crossed.adapted_rand_error == 0.5
    assert (crossed.variation_of_information, crossed.information_error) == (2.0, 1.0)


def test_a_gap_in_a_membrane_merges_two_cells() -> None:
    # Two cells of 3 x 2 voxels beside a membrane of 3 x 1; the prediction leaves its middle open.
    label, prediction = np.ones((3, 5), bool), np.ones((3, 5), bool)
    label[:, 2] = False
    prediction[[0, 2], 2] = False
    assert rand_error.pixel_error(label, prediction) == 1 / 15
    segments = [rand_error.connected_segments(mask) for mask in (label, prediction)]
    assert [int(array.max()) for array in segments] == [2, 1]
    found = rand_error.segment_agreement(*segments)
    assert (found.rand_split, found.rand_merge) == (1.0, 0.5)
    assert found.information_merge == 1.0


def test_empty_rules() -> None:
    nothing, something = np.zeros((2, 2), np.int32), np.full((2, 2), 4, np.int32)
    for prediction in (nothing, something):
        found = rand_error.segment_agreement(nothing, prediction)
        figures = (found.rand_split, found.adapted_rand_error, found.variation_of_information, found.information_error)
        assert all(math.isnan(value) for value in figures)
    # Four voxels that belong together, all of them alone: 4 pairs of 16, and 2 bits.
    missed = rand_error.segment_agreement(something, nothing)
    assert (missed.rand_split, missed.rand_merge) == (0.25, 1.0)
    assert missed.adapted_rand_error == pytest.approx(1 - 8 / 20, rel=1e-15)
    assert (missed.information_split, missed.information_merge) == (2.0, 0.0)
    assert rand_error.segment_agreement(something, something).information_error == 0.0
    assert rand_error.pixel_error(nothing == 1, nothing == 1) == 0.0
    assert math.isnan(rand_error.pixel_error(np.zeros(0, bool), np.zeros(0, bool)))


@given(segment_maps())
@settings(deadline=None, max_examples=60)
def test_equal_to_all_pairs_of_voxels(maps: Maps) -> None:
    found = rand_error.segment_agreement(*maps)
    voxels = counted_voxels(*maps)
    assert found.pairs_label == sum(a == c for a, _ in voxels for c, _ in voxels)
    assert found.pairs_prediction == sum(b == d for _, b in voxels for _, d in voxels)
    assert found.pairs_both == sum(a == c and b == d for a, b in voxels for c, d in voxels)
    if voxels:
        label, prediction = ([voxel[side] for voxel in voxels] for side in (0, 1))
        assert found.entropy_label == pytest.approx(entropy_by_hand(list(label)), abs=1e-12)
        assert found.entropy_prediction == pytest.approx(entropy_by_hand(list(prediction)), abs=1e-12)
        assert found.entropy_both == pytest.approx(entropy_by_hand(list(voxels)), abs=1e-12)


@given(segment_maps())
@settings(deadline=None, max_examples=40)
def test_laws(maps: Maps) -> None:
    label, prediction = maps
    found = rand_error.segment_agreement(label, prediction)
    if not label.any():
        return
    assert 0.0 <= found.adapted_rand_error < 1.0
    assert -1e-12 <= found.information_error <= 1.0 + 1e-12
    harmonic = 2 / (1 / found.rand_split + 1 / found.rand_merge)
    assert found.adapted_rand_error == pytest.approx(1 - harmonic, abs=1e-12)
    # Names carry no meaning, and what lies outside the label's segments does not count.
    renamed = np.where(prediction == 0, 0, 2**62 - prediction)
    assert rand_error.segment_agreement(label * 2**60, renamed) == found
    assert rand_error.segment_agreement(label, np.where(label == 0, 99, prediction)) == found
    itself = rand_error.segment_agreement(label, label)
    assert itself.adapted_rand_error == itself.variation_of_information == itself.information_error == 0.0
    # With segments everywhere, both directions tell the same.
    there = rand_error.segment_agreement(label + 1, prediction + 1)
    back = rand_error.segment_agreement(prediction + 1, label + 1)
    assert (there.rand_split, there.information_merge) == (back.rand_merge, back.information_split)
    assert there.variation_of_information == pytest.approx(back.variation_of_information, abs=1e-12)


def test_pixel_error_is_what_accuracy_lacks() -> None:
    random = np.random.default_rng(0)
    label, prediction = random.random((2, 5, 6)) < 0.4
    assert rand_error.pixel_error(label, prediction) == pytest.approx(
        1 - float(np.mean(label == prediction)), abs=1e-15
    )


def test_errors_name_what_came() -> None:
    label = np.zeros((2, 3), np.uint8)
    with pytest.raises(ShapeError, match=r"\(2, 3\), got shape \(3, 2\)"):
        rand_error.segment_agreement(label, label.T)
    with pytest.raises(LabelError, match="integer maps, got dtypes uint8 and float64"):
        rand_error.segment_agreement(label, label.astype(float))
    with pytest.raises(LabelError, match="threshold probabilities"):
        rand_error.pixel_error(label > 0, label.astype(float))
