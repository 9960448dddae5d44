from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from univox.data.classes import Classes
from univox.errors import RecipeError
from univox.image import read_label
from univox.inference.objects import ObjectSettings, number_objects
from univox.metrics import mean_average_precision, object_overlaps

CELL = Classes.of({0: "rest", 1: "cell"})
BLOBS = arrays.arrays(bool, arrays.array_shapes(min_dims=2, max_dims=3, min_side=3, max_side=9))


@settings(deadline=None)
@given(BLOBS, st.booleans(), st.integers(1, 4))
def test_numbers_run_from_one_without_a_gap_in_scan_order(mask: np.ndarray, split: bool, min_size: int) -> None:
    objects = number_objects(mask.astype(np.uint8), CELL, ObjectSettings(split, min_size))
    numbers, first = np.unique(objects, return_index=True)
    kept = numbers > 0
    np.testing.assert_array_equal(numbers[kept], np.arange(1, kept.sum() + 1))
    assert (np.diff(first[kept]) > 0).all()
    assert not objects[~mask].any()
    assert all((objects == number).sum() >= min_size for number in numbers[kept])


@settings(deadline=None)
@given(BLOBS)
def test_components_are_scipys_and_flooding_divides_them(mask: np.ndarray) -> None:
    label = mask.astype(np.uint8)
    components = number_objects(label, CELL, ObjectSettings())
    np.testing.assert_array_equal(components, ndimage.label(mask)[0])
    flooded = number_objects(label, CELL, ObjectSettings(split_touching=True))
    np.testing.assert_array_equal(flooded > 0, mask)
    for number in range(1, flooded.max() + 1):
        assert len(np.unique(components[flooded == number])) == 1


@pytest.mark.parametrize("borders", ["background", "class"])
@pytest.mark.parametrize("dims", [2, 3])
def test_touching_blocks_come_back_as_they_were_numbered(borders: str, dims: int) -> None:
    instances = np.zeros((14,) * dims, np.uint16)
    inner = (slice(2, 12),) * (dims - 1)
    instances[(*inner, slice(0, 6))] = 1
    instances[(*inner, slice(6, 10))] = 2
    instances[(*inner, slice(12, 14))] = 3
    classes = Classes.of_instances(borders=borders)  # type: ignore[arg-type]
    objects = number_objects(classes.to_index(instances), classes, ObjectSettings())
    if borders == "class":
        np.testing.assert_array_equal(objects, instances)
        return
    # The true gap of two to the third block looks like a border too.
    instances[(*inner, 10)], instances[(*inner, 11)] = 2, 3
    np.testing.assert_array_equal(objects, instances)


def test_without_borders_touching_objects_are_one_unless_they_are_split() -> None:
    rows, columns = np.indices((40, 60))
    discs = ((rows - 20) ** 2 + (columns - 20) ** 2 < 144) | ((rows - 20) ** 2 + (columns - 40) ** 2 < 144)
    label = discs.astype(np.uint8)
    assert number_objects(label, CELL, ObjectSettings()).max() == 1
    halves = number_objects(label, CELL, ObjectSettings(split_touching=True))
    assert halves.max() == 2
    assert (halves[:, :30][discs[:, :30]] == 1).all()
    assert (halves[:, 31:][discs[:, 31:]] == 2).all()
    # Peaks of 12 voxels, a neck of about 6.7: deeper than that it is no neck.
    assert number_objects(label, CELL, ObjectSettings(split_touching=True, split_depth=7)).max() == 1
    assert number_objects(label, CELL, ObjectSettings(split_touching=True, split_depth=4)).max() == 2


def test_small_objects_are_dropped_before_borders_are_given_back() -> None:
    label = np.zeros((8, 12), np.uint8)
    label[1:7, 0:5], label[1:7, 5], label[3, 6] = 1, 2, 1
    classes = Classes.of_instances(borders="class")
    objects = number_objects(label, classes, ObjectSettings(min_size=2))
    np.testing.assert_array_equal(objects, ((label > 0) & (np.arange(12) < 6)).astype(int))
    far = np.where(np.arange(12) >= 9, 2, label)
    np.testing.assert_array_equal(number_objects(far, classes, ObjectSettings(min_size=2))[:, 8:], 0)


def test_classes_are_numbered_one_after_the_other() -> None:
    label = np.array([[2, 1, 1, 0, 2]])
    classes = Classes.of({1: "axon", 2: "myelin"})
    np.testing.assert_array_equal(number_objects(label, classes, ObjectSettings()), [[1, 2, 2, 0, 3]])


def test_sizes_are_whole_numbers_from_one() -> None:
    with pytest.raises(RecipeError, match="at least 1 voxel"):
        ObjectSettings(min_size=0)


def test_real_nuclei_come_back_from_their_class_map(shared_data: Callable[[str], Path]) -> None:
    files = sorted((shared_data("nuclei_2d_dsb2018") / "labels").glob("*.png"))[:12]
    found: dict[str, float] = {}
    for borders in ("none", "background", "class"):
        classes = Classes.of_instances(borders=borders)
        scores = []
        for path in files:
            label = read_label(path).array
            objects = number_objects(classes.to_index(label), classes, ObjectSettings())
            scores.append(mean_average_precision(object_overlaps(label, objects)))
        found[borders] = float(np.mean(scores))
    assert found["none"] < 0.9 < found["background"] <= found["class"]
