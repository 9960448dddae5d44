"""Which voxels of a case are looked at, and with which probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from univox.data.crop import box_slices
from univox.data.preprocess import CaseGeometry
from univox.data.restore import restore_all_probabilities
from univox.inference.calibration_voxels import CaseVoxels, case_voxels, surroundings

GEOMETRIES = {
    "cropped": CaseGeometry((24, 9, 20), ((1, 23), (0, 7), (2, 20)), (22, 7, 18), (1.0, 1.0, 1.0)),
    "resampled": CaseGeometry((24, 9, 20), ((1, 23), (0, 7), (2, 20)), (11, 9, 6), (2.0, 0.8, 3.0)),
}


def drawn(geometry: CaseGeometry) -> tuple[np.ndarray, np.ndarray]:
    """Sure background but for a block in one corner, where probabilities are random; a label with a block there."""
    random = np.random.default_rng(4)
    votes = np.zeros((3, *geometry.prepared_shape), np.float32)
    votes[0] = 1
    votes[:, :3, :3, :2] = random.dirichlet(np.ones(3), (3, 3, 2)).transpose(3, 0, 1, 2)
    label = np.zeros(geometry.full_shape, np.uint8)
    label[1:6, 0:4, 2:6] = random.integers(0, 3, (5, 4, 4))
    return votes, label


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_voxels_are_those_of_the_image_with_the_probabilities_put_out(geometry: CaseGeometry) -> None:
    votes, label = drawn(geometry)
    found = case_voxels(votes, geometry, label, np.random.default_rng(0))
    inside = (slice(None), *box_slices(geometry.box))
    everything = restore_all_probabilities(votes, geometry)[inside]
    np.testing.assert_array_equal(found.whole.probabilities, everything.reshape(3, -1))
    np.testing.assert_array_equal(found.whole.label, label[inside[1:]].reshape(-1))
    foreground = (label[inside[1:]] > 0) | (everything.argmax(0) > 0)
    around = (slice(None), *box_slices(surroundings(foreground)))
    np.testing.assert_array_equal(found.surroundings.probabilities, everything[around].reshape(3, -1))
    np.testing.assert_array_equal(found.surroundings.label, label[inside[1:]][around[1:]].reshape(-1))
    assert 0 < found.surroundings.label.size < found.whole.label.size
    assert np.count_nonzero(found.surroundings.label) == np.count_nonzero(label[inside[1:]])


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_a_random_part_holds_no_voxel_twice_and_is_always_the_same(geometry: CaseGeometry) -> None:
    votes, label = drawn(geometry)
    # Every voxel's own number in place of the second class, in steps that float32 holds.
    numbered = CaseGeometry(geometry.full_shape, geometry.box, geometry.box_shape, (1.0, 1.0, 1.0))
    votes = np.zeros((2, *geometry.box_shape), np.float32)
    votes[1] = np.arange(votes[1].size).reshape(votes[1].shape) / 4096
    parts = [case_voxels(votes, numbered, label, np.random.default_rng(0), values=600) for _ in range(2)]
    for part in (parts[0].surroundings, parts[0].whole):
        place = np.rint(part.probabilities[1] * 4096).astype(int)
        assert len(np.unique(place)) == len(place) == 300
        np.testing.assert_array_equal(part.label, label[box_slices(geometry.box)].reshape(-1)[place])
    np.testing.assert_array_equal(parts[0].whole.probabilities, parts[1].whole.probabilities)


def test_without_foreground_everything_is_looked_at() -> None:
    geometry = CaseGeometry((4, 5), ((0, 4), (0, 5)), (4, 5), (1.0, 1.0))
    votes = np.stack([np.ones((4, 5)), np.zeros((4, 5))]).astype(np.float32)
    found = case_voxels(votes, geometry, np.zeros((4, 5), np.uint8), np.random.default_rng(0))
    assert found.surroundings.label.size == found.whole.label.size == 20
    both = CaseVoxels.joined([found, found])
    assert both.whole.probabilities.shape == (2, 40)


def test_the_box_is_widened_by_a_quarter_and_by_four_voxels_at_least() -> None:
    foreground = np.zeros((100, 30), bool)
    foreground[30:70, 2:5] = True
    assert surroundings(foreground) == ((20, 80), (0, 9))
