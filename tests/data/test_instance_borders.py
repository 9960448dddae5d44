from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from univox.data.classes import Classes
from univox.data.instance_borders import between_instances
from univox.errors import DatasetError

MAPS = arrays.arrays(
    np.uint16, arrays.array_shapes(min_dims=2, max_dims=3, max_side=5), elements=st.sampled_from([0, 0, 1, 2, 700])
)


@settings(deadline=None)
@given(MAPS)
def test_it_is_the_definition_voxel_by_voxel(instances: np.ndarray) -> None:
    expected = np.zeros(instances.shape, bool)
    for place in np.ndindex(instances.shape):
        for step in itertools.product((-1, 0, 1), repeat=instances.ndim):
            beside = tuple(np.add(place, step))
            inside = all(0 <= at < size for at, size in zip(beside, instances.shape, strict=True))
            if inside and instances[place] and instances[beside] and instances[place] != instances[beside]:
                expected[place] = True
    np.testing.assert_array_equal(between_instances(instances), expected)


@settings(deadline=None)
@given(MAPS)
def test_what_is_left_of_two_objects_touches_nowhere(instances: np.ndarray) -> None:
    left = np.where(between_instances(instances), 0, instances)
    pieces, number = ndimage.label(left > 0, structure=np.ones((3,) * left.ndim))
    for piece in range(1, number + 1):
        assert len(np.unique(left[pieces == piece])) == 1


@settings(deadline=None)
@given(MAPS)
def test_the_numbers_of_objects_do_not_matter(instances: np.ndarray) -> None:
    renumbered = np.select([instances == 1, instances == 2, instances == 700], [9, 1, 2], 0)
    np.testing.assert_array_equal(between_instances(renumbered), between_instances(instances))


def test_a_row_of_cells_by_hand() -> None:
    row = np.array([[0, 3, 3, 3, 8, 8, 8, 0, 5]])
    assert Classes.of_instances().to_index(row).tolist() == [[0, 1, 1, 1, 1, 1, 1, 0, 1]]
    assert Classes.of_instances(borders="background").to_index(row).tolist() == [[0, 1, 1, 0, 0, 1, 1, 0, 1]]
    border = Classes.of_instances("cell", borders="class")
    assert border.to_index(row).tolist() == [[0, 1, 1, 2, 2, 1, 1, 0, 1]]
    assert border.to_codes(border.to_index(row)).tolist() == border.to_index(row).tolist()
    written = border.to_codes(border.to_index(row))
    assert border.of_prediction(written).to_index(written).tolist() == border.to_index(row).tolist()
    assert border.of_prediction(row).to_index(row).tolist() == border.to_index(row).tolist()


def test_a_choice_of_borders_is_kept_and_needs_instances() -> None:
    for borders in ("none", "background", "class"):
        classes = Classes.of_instances(borders=borders)
        assert Classes.from_json(classes.to_json()) == classes
        assert classes.select("nucleus=1").borders == borders
    assert Classes.from_json({**Classes.of_instances().to_json(), "instances": True}).borders == "none"
    assert Classes.of_instances(borders="class").indices_of([0, 4]) == {0, 1, 2}
    with pytest.raises(DatasetError, match="labels that number objects"):
        Classes(Classes.of({0: "rest", 1: "cell"}).classes, borders="background")
    with pytest.raises(DatasetError, match="borders"):
        Classes.from_json({**Classes.of_instances().to_json(), "borders": "wide"})
